import {
  type CaaRecord,
  formatIp,
  type IpAddress,
  type MxRecord,
  parseIp,
  type RecordData,
  type SoaRecord,
  type SrvRecord,
  type TlsaRecord,
} from '@postern/core';
import { LONGEST_DATA } from './record-set.ts';
import { lexZone, type ZoneToken } from './zone-lexer.ts';
import { nameText, readName } from './zone-name.ts';

/** Every type whose data has one presentation; TXT is the exception, since its character-strings matter. */
export type PlainType = Exclude<keyof RecordData, 'TXT'>;

/** A record that cannot be read; the message says what it takes. */
export class RecordError extends RangeError {
  override readonly name = 'RecordError';
}

/** The words of a record's data, read one after the other. */
class Fields {
  readonly #tokens: readonly ZoneToken[];
  readonly #origin: string | undefined;
  #next = 0;

  /** @param origin - what relative names are relative to; `undefined`: every name is absolute */
  constructor(tokens: readonly ZoneToken[], origin: string | undefined) {
    this.#tokens = tokens;
    this.#origin = origin;
  }

  token(what: string): ZoneToken {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw new RecordError(`${what} is missing`);
    return token;
  }

  whole(what: string, max: number): number {
    const { text } = this.token(what);
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= max)) throw new RecordError(`${what} must be a whole number from 0 to ${max}, got ${quote(text)}`);
    return value;
  }

  /** A time, which may have units. */
  seconds(what: string): number {
    const { text } = this.token(what);
    const value = parseTtl(text);
    if (value === undefined) throw new RecordError(`${what} must be seconds or like 1h30m, got ${quote(text)}`);
    return value;
  }

  name(what: string): string {
    return absoluteName(this.token(what).raw, this.#origin, what);
  }

  /** All words that are left, joined: hexadecimal data may be written in groups. */
  rest(): string {
    let text = '';
    while (this.#next < this.#tokens.length) text += this.token('').text;
    return text;
  }

  done(): void {
    const extra = this.#tokens[this.#next];
    if (extra !== undefined) throw new RecordError(`${quote(extra.raw)} is one word too many`);
  }
}

type Readers = { readonly [T in PlainType]: (fields: Fields) => RecordData[T] };

const readers: Readers = {
  A: (fields) => ipv4(fields.token('the address').text),
  AAAA: (fields) => ipv6(fields.token('the address').text),
  MX: (fields): MxRecord => ({ preference: fields.whole('the preference', 65_535), exchange: fields.name('exchange') }),
  PTR: (fields) => fields.name('the name'),
  CNAME: (fields) => fields.name('the name'),
  NS: (fields) => fields.name('the name'),
  SOA: (fields): SoaRecord => ({
    primary: fields.name('primary'),
    mailbox: fields.name('mailbox'),
    serial: fields.whole('serial', 0xffff_ffff),
    refresh: fields.seconds('refresh'),
    retry: fields.seconds('retry'),
    expire: fields.seconds('expire'),
    minimum: fields.seconds('minimum'),
  }),
  SRV: (fields): SrvRecord => ({
    priority: fields.whole('the priority', 65_535),
    weight: fields.whole('the weight', 65_535),
    port: fields.whole('the port', 65_535),
    target: fields.name('target'),
  }),
  TLSA: (fields): TlsaRecord => ({
    usage: fields.whole('the usage', 255),
    selector: fields.whole('the selector', 255),
    matchingType: fields.whole('the matching type', 255),
    data: hex(fields.rest()),
  }),
  CAA: (fields): CaaRecord => {
    const flags = fields.whole('the flags', 255);
    const tag = caaTag(fields.token('tag').text);
    return {
      critical: (flags & 0x80) !== 0,
      tag,
      value: bounded(fields.token('value').text, LONGEST_DATA - 2 - tag.length),
    };
  },
};

/** A record from the words of a zone file. Throws `RecordError`. */
export function readRecord<T extends PlainType>(
  type: T,
  tokens: readonly ZoneToken[],
  origin: string | undefined,
): RecordData[T] {
  const fields = new Fields(tokens, origin);
  const record = readers[type](fields);
  fields.done();
  return record;
}

/** A record as one line of presentation, all names absolute: `10 mx.example.com`. Throws `RecordError`. */
export function readRecordLine<T extends PlainType>(type: T, text: string): RecordData[T] {
  const entries = lexZone(text);
  if (entries.length > 1) throw new RecordError('a record has one line');
  return readRecord(type, entries[0]?.tokens ?? [], undefined);
}

/** A name in a record: absolute with a dot at its end or without an origin, else below the origin. Throws `RecordError`. */
export function absoluteName(raw: string, origin: string | undefined, what: string): string {
  if (raw === '@' && origin !== undefined) return origin;
  // Core gives the root, and so the null MX, as ''.
  if (raw === '' && origin === undefined) return '';
  const written = readName(raw);
  const relative = origin !== undefined && written?.absolute === false;
  const labels = relative ? [...written.labels, ...(readName(origin)?.labels ?? [])] : written?.labels;
  const name = labels && nameText(labels);
  if (name === undefined || (relative && readName(name) === undefined)) {
    throw new RecordError(`${what} is not a domain name: ${quote(raw)}`);
  }
  return name;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds, or seconds with units as BIND writes them: `3600`, `1h`, `1w2d`. At most 2³¹ − 1 (RFC 2181 §8). */
export function parseTtl(text: string): number | undefined {
  if (!/^(?:\d{1,10}|(?:\d{1,10}[smhdw]){1,5})$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, count, unit] of text.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)) {
    seconds += Number(count) * (UNIT_SECONDS[unit || 's'] ?? 0);
  }
  return seconds <= 0x7fff_ffff ? seconds : undefined;
}

/** An IPv4 address. Throws `RecordError`. */
function ipv4(text: string): string {
  return formatIp(address(text, 'IPv4', !text.includes(':')));
}

/** An IPv6 address as RFC 5952 writes it. Throws `RecordError`. */
function ipv6(text: string): string {
  const ip = address(text, 'IPv6', text.includes(':'));
  // Core reads an IPv4-mapped address as IPv4; in an AAAA record it stays what it is (RFC 5952 §5).
  return ip.family === 4 ? `::ffff:${formatIp(ip)}` : formatIp(ip);
}

function address(text: string, kind: string, rightFamily: boolean): IpAddress {
  const ip = rightFamily && !text.includes('%') ? parseIp(text) : undefined;
  if (ip === undefined) throw new RecordError(`${quote(text)} is not an ${kind} address`);
  return ip;
}

/** Certificate association data: an even number of hexadecimal digits. Throws `RecordError`. */
function hex(text: string): string {
  bounded(text, (LONGEST_DATA - 3) * 2);
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new RecordError(`${quote(text)} is not hexadecimal`);
  return text.toLowerCase();
}

/** RFC 8659 §4.1: a tag has letters and digits, at most 255. Throws `RecordError`. */
function caaTag(text: string): string {
  if (!/^[0-9a-z]{1,255}$/i.test(text)) throw new RecordError(`${quote(text)} is not a tag`);
  return text;
}

function bounded(text: string, longest: number): string {
  if (text.length > longest) throw new RecordError(`a record has at most ${LONGEST_DATA} octets`);
  return text;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
