import { splitCsvRecord } from './csv-record.ts';
import type { LineFormat, LineOutput } from './line-format.ts';

/** Where in a CSV file the entries stand. */
export interface CsvColumns {
  /** The column's name in the header row, in any case. */
  readonly column: string;
  /** The column whose text is the reason. Default: none. */
  readonly reasonColumn?: string;
  /** One character. Default `,`. */
  readonly delimiter?: string;
}

/** What a record over several lines may have, in UTF-16 units. */
const MAX_LENGTH = 16_384;

function indexOfColumn(fields: readonly string[], name: string): number {
  const lower = name.toLowerCase();
  return fields.findIndex((each) => each.toLowerCase() === lower);
}

/** Whether a quote that is open before the line may be closed behind it: two in a row are one character of the field. */
function hasOddQuotes(text: string): boolean {
  let odd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

/**
 * CSV with a header row (RFC 4180). Lines that begin with `#` are comments, except that the header may stand in one. A
 * quoted field may go on over several lines, which are no records of their own: what strangers wrote into a column of
 * remarks must not become an entry. Of a record longer than 16,384 characters each further line is reported.
 *
 * @param add - what to do with the text of the column
 */
export function csvFormat<Key>(
  { column, reasonColumn, delimiter = ',' }: CsvColumns,
  add: (text: string, action: 'allow' | 'block', reason: string, output: LineOutput<Key>) => void,
): LineFormat<Key> {
  /** -1: there is no such column. */
  let index: number | undefined;
  let reasonIndex = -1;
  /** The lines of a record whose last field is still open, and the number of the first of them. */
  let begun = '';
  let begunAt = 0;
  let isTooLong = false;

  function header(text: string, isComment: boolean, output: LineOutput<Key>): void {
    const split = splitCsvRecord(text, delimiter);
    const fields = typeof split === 'string' ? [] : split;
    const found = indexOfColumn(fields, column);
    if (found < 0 && isComment) return;
    index = found;
    if (found < 0) output.problem('skipped', 'no-such-column', column);
    if (reasonColumn === undefined) return;
    reasonIndex = indexOfColumn(fields, reasonColumn);
    if (reasonIndex < 0) output.problem('taken', 'no-such-column', reasonColumn);
  }

  /** @param number - of its first line */
  function record(text: string, number: number, output: LineOutput<Key>): void {
    const fields = splitCsvRecord(text, delimiter);
    if (fields === 'unclosed') {
      begun = `${text}\n`;
      begunAt = number;
      return;
    }
    const field = fields === 'malformed' ? undefined : fields[index ?? -1];
    if (fields === 'malformed' || field === undefined) output.problem('skipped', 'malformed', text, number);
    else if (field !== '') add(field, output.action, fields[reasonIndex] ?? '', output);
  }

  function goOn(text: string, output: LineOutput<Key>): void {
    const isOver = hasOddQuotes(text);
    isTooLong ||= begun.length + text.length > MAX_LENGTH;
    const whole = isTooLong ? begun : `${begun}${text}\n`;
    begun = isOver ? '' : whole;
    if (isTooLong) output.problem('skipped', 'line-too-long', '');
    else if (isOver) record(whole, begunAt, output);
    if (isOver) isTooLong = false;
  }

  return {
    line(text, output) {
      if (begun !== '') {
        goOn(text, output);
      } else if (text.trim() === '') {
        return;
      } else if (text.startsWith('#')) {
        if (index === undefined) header(text.slice(1), true, output);
      } else if (index === undefined) {
        header(text, false, output);
      } else if (index < 0) {
        output.problem('skipped', 'malformed', text);
      } else {
        record(text, output.number, output);
      }
    },
    end(output) {
      if (begun !== '') output.problem('skipped', 'malformed', begun, begunAt);
    },
  };
}
