import type { RecordData, RecordType } from '@postern/core';

/** All records of one name and type (RFC 2181 §5). Frozen, records included. */
export interface RecordSet<T extends RecordType = RecordType> {
  readonly type: T;
  /** Seconds. */
  readonly ttl: number;
  readonly records: readonly RecordData[T][];
  /** Only of TXT: the character-strings of each record, of which `records` has the joined ones. */
  readonly strings?: readonly (readonly string[])[];
}

/** At most one set of each type. */
export type RecordSets = { readonly [T in RecordType]?: RecordSet<T> };

/** Every type that core's `Resolver` can be asked for. */
export const recordTypes: readonly RecordType[] = [
  'A',
  'AAAA',
  'TXT',
  'MX',
  'PTR',
  'CNAME',
  'NS',
  'SOA',
  'SRV',
  'TLSA',
  'CAA',
];

/**
 * A frozen set, each record once (RFC 2181 §5).
 *
 * @param strings - only of TXT: the character-strings of each record
 */
export function recordSet<T extends RecordType>(
  type: T,
  ttl: number,
  records: readonly RecordData[T][],
  strings?: readonly (readonly string[])[],
): RecordSet<T> {
  const seen = new Set<string>();
  const isFirst = records.map((record, index) => {
    const key = JSON.stringify(strings?.[index] ?? record);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
  const kept = Object.freeze(records.filter((_, index) => isFirst[index]));
  for (const record of kept) Object.freeze(record);
  if (strings === undefined) return Object.freeze({ type, ttl, records: kept });
  const keptStrings = strings.filter((_, index) => isFirst[index]).map((each) => Object.freeze([...each]));
  return Object.freeze({ type, ttl, records: kept, strings: Object.freeze(keptStrings) });
}

/** RFC 1035 §3.2.1: the length of a record's data is a 16-bit number. */
export const LONGEST_DATA = 65_535;

/** A set of TXT records, each given by its character-strings. Throws `RangeError`. */
export function textSet(ttl: number, strings: readonly (readonly string[])[]): RecordSet<'TXT'> {
  if (strings.some((each) => each.reduce((sum, string) => sum + 1 + string.length, 0) > LONGEST_DATA)) {
    throw new RangeError(`a record has at most ${LONGEST_DATA} octets`);
  }
  return recordSet(
    'TXT',
    ttl,
    strings.map((each) => each.join('')),
    strings,
  );
}

/** Both sets together; RFC 2181 §5.2: of different TTLs, the lowest counts. */
export function mergeSets<T extends RecordType>(first: RecordSet<T>, second: RecordSet<T>): RecordSet<T> {
  const strings = first.strings && second.strings ? [...first.strings, ...second.strings] : undefined;
  return recordSet(first.type, Math.min(first.ttl, second.ttl), [...first.records, ...second.records], strings);
}
