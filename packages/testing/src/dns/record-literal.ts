import type { RecordData, RecordType } from '@postern/core';
import { type RecordSet, recordSet, textSet } from './record-set.ts';
import { type PlainType, RecordError, readRecord, readRecordLine } from './record-text.ts';
import type { ZoneToken } from './zone-lexer.ts';

type Build<T extends RecordType> = (values: readonly unknown[], ttl: number) => RecordSet<T>;

/** A record that is one word: nothing in it is read as syntax of a zone file. */
function words<T extends PlainType>(type: T): Build<T> {
  const read = (value: unknown): RecordData[T] => {
    if (typeof value !== 'string') throw new TypeError('a record must be a string');
    return readRecord(type, [token(value)], undefined);
  };
  return (values, ttl) => recordSet(type, ttl, values.map(read));
}

/** A record as an object with exactly these properties, in the order of the wire, or as a line of a zone file. */
function structures<T extends PlainType>(type: T, ...properties: readonly string[]): Build<T> {
  const read = (value: unknown): RecordData[T] => {
    if (typeof value === 'string') return readRecordLine(type, value);
    if (typeof value !== 'object' || value === null) throw new TypeError('a record must be a string or an object');
    return readRecord(type, fieldTokens(value, properties), undefined);
  };
  return (values, ttl) => recordSet(type, ttl, values.map(read));
}

const builders: { readonly [T in RecordType]: Build<T> } = {
  A: words('A'),
  AAAA: words('AAAA'),
  PTR: words('PTR'),
  CNAME: words('CNAME'),
  NS: words('NS'),
  TXT: (values, ttl) => textSet(ttl, values.map(characterStrings)),
  MX: structures('MX', 'preference', 'exchange'),
  SOA: structures('SOA', 'primary', 'mailbox', 'serial', 'refresh', 'retry', 'expire', 'minimum'),
  SRV: structures('SRV', 'priority', 'weight', 'port', 'target'),
  TLSA: structures('TLSA', 'usage', 'selector', 'matchingType', 'data'),
  CAA: structures('CAA', 'critical', 'tag', 'value'),
};

/** A set of records from their literals. Throws `RecordError`, `ZoneSyntaxError` or `TypeError`. */
export function readRecordSet<T extends RecordType>(type: T, values: readonly unknown[], ttl: number): RecordSet<T> {
  return builders[type](values, ttl);
}

function fieldTokens(record: object, properties: readonly string[]): ZoneToken[] {
  const given = new Map<string, unknown>(Object.entries(record));
  const tokens = properties.map((property) => {
    const field = given.get(property);
    given.delete(property);
    // RFC 8659 §4.1: issuer critical is the most significant bit of the flags.
    if (typeof field === 'boolean') return token(field ? '128' : '0');
    if (typeof field === 'number' || typeof field === 'string') return token(String(field));
    throw new TypeError(`${JSON.stringify(property)} is missing or of a wrong type`);
  });
  for (const name of given.keys()) throw new TypeError(`a record has no property ${JSON.stringify(name)}`);
  return tokens;
}

function token(text: string): ZoneToken {
  return { text, raw: text, quoted: false };
}

/** RFC 1035 §3.3: a character-string has at most 255 octets. */
const LONGEST_STRING = 255;

/** A string is cut as a zone file's tool would cut it; an array says where. */
function characterStrings(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map((each) => octets(each, LONGEST_STRING));
  const text = octets(value, Number.POSITIVE_INFINITY);
  const strings: string[] = [];
  for (let at = 0; at === 0 || at < text.length; at += LONGEST_STRING)
    strings.push(text.slice(at, at + LONGEST_STRING));
  return strings;
}

function octets(value: unknown, longest: number): string {
  if (typeof value !== 'string') throw new TypeError('a record must be a string or an array of strings');
  if (value.length > longest) throw new RecordError(`a character-string has at most ${longest} octets`);
  for (let at = 0; at < value.length; at++) {
    if (value.charCodeAt(at) > 0xff) throw new RecordError(`${JSON.stringify(value.charAt(at))} is not one octet`);
  }
  return value;
}
