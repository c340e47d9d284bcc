import type { DmarcPolicy } from './dmarc-policy.ts';
import type {
  DmarcFailureOption,
  DmarcRecord,
  DmarcRecordNote,
  DmarcRecordNoteCode,
  DmarcReportUri,
} from './dmarc-record.ts';
import { readReportUri } from './report-uri.ts';

const MAX_TAGS = 64;
const MAX_URIS = 20;
const MAX_NOTES = 100;
const LONGEST_QUOTED = 64;

/**
 * RFC 9989 §4.7 `v`: the first tag, whose value has its case. Space may stand before it (RFC 6376 §3.2), as before any
 * tag.
 */
const version = /^[ \t]*[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/;
/** RFC 9989 §4.8 `dmarc-value`: printing characters, space included. */
const printing = /^[ -~]+$/;
const tagName = /^[A-Za-z][A-Za-z0-9_]*$/;

const removedTags: ReadonlySet<string> = new Set(['pct', 'rf', 'ri']);
const tags: ReadonlySet<string> = new Set(['p', 'sp', 'np', 'psd', 't', 'adkim', 'aspf', 'fo', 'rua', 'ruf']);
const policies: readonly DmarcPolicy[] = ['none', 'quarantine', 'reject'];
const yesOrNo = ['n', 'y'] as const;
const psds = ['u', 'y', 'n'] as const;
const modes = ['r', 's'] as const;
const failureOptions: readonly DmarcFailureOption[] = ['0', '1', 'd', 's'];

/** What is odd, as it is found; bounded. */
class Notes {
  readonly list: DmarcRecordNote[] = [];

  add(code: DmarcRecordNoteCode, at: string): void {
    if (this.list.length < MAX_NOTES) this.list.push(Object.freeze({ code, at: at.slice(0, LONGEST_QUOTED) }));
  }
}

/**
 * Reads a DMARC policy record (RFC 9989 §4.7); `undefined` when the text is none: it does not begin with `v=DMARC1`, and is
 * to be ignored as a whole.
 *
 * Everything behind that is read one tag at a time: what is unknown or malformed is left out and noted, and the tag's default
 * counts (§4.8). Only for `p`, `sp` and `np` there is none: one that is invalid makes the record `p=none` when it has an
 * address for aggregate reports, and useless otherwise (§4.10.1; a missing `p` likewise). Names of tags are in lower case
 * (RFC 6376 §3.2), their values in any.
 *
 * Linear in the text, of which the first 64 tags are read. Never throws on a string.
 *
 * @throws TypeError when `text` is no string
 *
 * @example
 * ```ts
 * import { parseDmarcRecord } from '@postern/spf-dmarc';
 *
 * const record = parseDmarcRecord('v=DMARC1; p=reject; sp=none; pct=50; rua=mailto:dmarc@example.com');
 * console.log(record?.p, record?.sp, record?.rua[0]?.address); // reject none dmarc@example.com
 * console.log(record?.notes); // [ { code: 'removed-tag', at: 'pct' } ]
 * ```
 */
export function parseDmarcRecord(text: string): DmarcRecord | undefined {
  if (typeof text !== 'string') throw new TypeError('parseDmarcRecord: the text must be a string');
  const start = version.exec(text);
  if (start === null) return undefined;
  const notes = new Notes();
  const values = readTags(text, start[0].length, notes);
  const rua = readUris(values.get('rua'), notes);
  const ruf = readUris(values.get('ruf'), notes);
  const policy = readPolicies(values, rua, notes);
  return Object.freeze({
    text,
    ...policy,
    psd: oneOf(values, 'psd', psds, notes) ?? 'u',
    testing: oneOf(values, 't', yesOrNo, notes) === 'y',
    adkim: oneOf(values, 'adkim', modes, notes) ?? 'r',
    aspf: oneOf(values, 'aspf', modes, notes) ?? 'r',
    fo: readFailureOptions(values, notes),
    rua,
    ruf,
    notes: Object.freeze(notes.list),
  });
}

/** Without the spaces and tabs around it; a pattern would look at long rows of them again and again. */
function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, Math.max(start, end));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** `null` stands for a value that is none. */
type TagValues = ReadonlyMap<string, string | null>;

function readTags(text: string, start: number, notes: Notes): TagValues {
  const values = new Map<string, string | null>();
  let count = 0;
  for (let from = start; from < text.length; ) {
    const semicolon = text.indexOf(';', from);
    const end = semicolon < 0 ? text.length : semicolon;
    const part = trimBlanks(text, from, end);
    from = end + 1;
    // RFC 9989 §4.8: the last tag may have a separator behind it.
    if (part === '' && from >= text.length) break;
    if (++count > MAX_TAGS) {
      notes.add('too-many', part);
      break;
    }
    const equals = part.indexOf('=');
    const name = trimBlanks(part, 0, equals);
    if (!tagName.test(name)) {
      notes.add('syntax', part);
      continue;
    }
    if (!tags.has(name)) {
      notes.add(removedTags.has(name) ? 'removed-tag' : 'unknown-tag', name);
      continue;
    }
    const written = trimBlanks(part, equals + 1, part.length);
    const value = printing.test(written) ? written : null;
    if (value === null) notes.add('invalid-value', name);
    const before = values.get(name);
    if (before !== undefined && before !== value) {
      // RFC 6376 §3.2 has no tag twice. Which of two the owner means nobody knows.
      notes.add('duplicate-tag', name);
      values.set(name, null);
    } else {
      values.set(name, value);
    }
  }
  return values;
}

/** The word in any case: the literals of RFC 9989 §4.8 have none (RFC 5234 §2.3). */
function oneOf<T extends string>(values: TagValues, name: string, words: readonly T[], notes: Notes): T | undefined {
  const value = values.get(name);
  if (value === undefined || value === null) return undefined;
  const word = words.find((each) => each.length === value.length && each === value.toLowerCase());
  if (word === undefined) notes.add('invalid-value', name);
  return word;
}

/** RFC 9989 §4.10.1. */
function readPolicies(
  values: TagValues,
  rua: readonly DmarcReportUri[],
  notes: Notes,
): Pick<DmarcRecord, 'p' | 'sp' | 'np'> {
  const p = oneOf(values, 'p', policies, notes);
  const sp = oneOf(values, 'sp', policies, notes);
  const np = oneOf(values, 'np', policies, notes);
  if (!values.has('p')) notes.add('no-policy', 'p');
  const valid = p !== undefined && values.has('sp') === (sp !== undefined) && values.has('np') === (np !== undefined);
  if (valid) return { p, sp, np };
  return { p: rua.length > 0 ? 'none' : undefined, sp: undefined, np: undefined };
}

function readFailureOptions(values: TagValues, notes: Notes): readonly DmarcFailureOption[] {
  const value = values.get('fo');
  const read: DmarcFailureOption[] = [];
  // `0:d:s` is the longest that there is.
  const words = value === undefined || value === null ? [] : value.length > 5 ? [''] : value.toLowerCase().split(':');
  for (const word of words) {
    const option = failureOptions.find((each) => each === word);
    const excluded = option === '0' ? '1' : option === '1' ? '0' : option;
    if (option === undefined || read.includes(option) || (excluded !== undefined && read.includes(excluded))) {
      notes.add('invalid-value', 'fo');
      return defaultFailureOptions;
    }
    read.push(option);
  }
  return read.length === 0 ? defaultFailureOptions : Object.freeze(read);
}

const defaultFailureOptions: readonly DmarcFailureOption[] = Object.freeze<DmarcFailureOption[]>(['0']);

function readUris(value: string | null | undefined, notes: Notes): readonly DmarcReportUri[] {
  const uris: DmarcReportUri[] = [];
  let count = 0;
  for (let from = 0; value && from <= value.length; ) {
    const comma = value.indexOf(',', from);
    const end = comma < 0 ? value.length : comma;
    const text = trimBlanks(value, from, end);
    from = end + 1;
    if (++count > MAX_URIS) {
      notes.add('too-many', text);
      break;
    }
    const read = readReportUri(text);
    if (read === undefined) {
      notes.add('invalid-uri', text);
    } else {
      if (read.sized) notes.add('removed-size', text);
      uris.push(read.uri);
    }
  }
  return Object.freeze(uris);
}
