import { splitCsvLine } from './csv-line.ts';
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

function indexOfColumn(fields: readonly string[], name: string): number {
  const lower = name.toLowerCase();
  return fields.findIndex((each) => each.toLowerCase() === lower);
}

/**
 * CSV with a header row (RFC 4180). Lines that begin with `#` are comments, except that the header may stand in one. Every
 * field is bounded by its line, and a field over several lines is reported.
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

  function header(text: string, isComment: boolean, output: LineOutput<Key>): void {
    const fields = splitCsvLine(text, delimiter) ?? [];
    const found = indexOfColumn(fields, column);
    if (found < 0 && isComment) return;
    index = found;
    if (found < 0) output.problem('skipped', 'no-such-column', column);
    if (reasonColumn === undefined) return;
    reasonIndex = indexOfColumn(fields, reasonColumn);
    if (reasonIndex < 0) output.problem('taken', 'no-such-column', reasonColumn);
  }

  return {
    line(text, output) {
      if (text.trim() === '') return;
      if (text.startsWith('#')) {
        if (index === undefined) header(text.slice(1), true, output);
      } else if (index === undefined) {
        header(text, false, output);
      } else if (index < 0) {
        output.problem('skipped', 'malformed', text);
      } else {
        const fields = splitCsvLine(text, delimiter);
        const field = fields?.[index];
        if (field === undefined) output.problem('skipped', 'malformed', text);
        else if (field !== '') add(field, output.action, fields?.[reasonIndex] ?? '', output);
      }
    },
  };
}
