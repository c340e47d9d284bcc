import { isIPv4, isIPv6 } from 'node:net';
import { frozenAnswer, type KnownAnswer, saneTtl } from './cached-answer.ts';
import type { RecordData, RecordType } from './resolver.ts';

/** An answer as it was stored: the TTL counts from `storedAt`, in milliseconds since the epoch. */
export interface StoredAnswer<T extends RecordType> {
  readonly answer: KnownAnswer<T>;
  readonly storedAt: number;
}

/** More than the longest answer of a DNS message takes in JSON: 128 KiB of names, each octet as `\\DDD`, and records around. */
const MAX_ENCODED_BYTES = 1024 * 1024;
/** RFC 1035 §2.3.4 and §5.1: 255 octets, each written as `\\DDD`. */
const MAX_NAME_LENGTH = 4 * 255;

/** The answer as bytes: JSON in UTF-8, which any machine can read and a person too. */
export function encodeAnswer<T extends RecordType>({ answer, storedAt }: StoredAnswer<T>): Uint8Array {
  return Buffer.from(JSON.stringify({ storedAt, answer }), 'utf8');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** One latin1 character per octet. */
function isOctets(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  for (let at = 0; at < value.length; at++) if (value.charCodeAt(at) > 0xff) return false;
  return true;
}

/** A name in the form that answers give it: in lower case, and no longer than 255 octets can be as text. */
function isName(value: unknown): value is string {
  return isOctets(value) && value.length <= MAX_NAME_LENGTH && value === value.toLowerCase();
}

function isUint(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}

function isUint8(value: unknown): value is number {
  return isUint(value, 0xff);
}

function isUint16(value: unknown): value is number {
  return isUint(value, 0xffff);
}

function isUint32(value: unknown): value is number {
  return isUint(value, 0xffffffff);
}

function readIpv4(value: unknown): string | undefined {
  return isText(value) && isIPv4(value) ? value : undefined;
}

function readIpv6(value: unknown): string | undefined {
  return isText(value) && isIPv6(value) && !value.includes('%') ? value : undefined;
}

function readOctets(value: unknown): string | undefined {
  return isOctets(value) ? value : undefined;
}

function readName(value: unknown): string | undefined {
  return isName(value) ? value : undefined;
}

type RecordReaders = { readonly [T in RecordType]: (value: unknown) => RecordData[T] | undefined };

const readers: RecordReaders = {
  A: readIpv4,
  AAAA: readIpv6,
  TXT: readOctets,
  PTR: readName,
  CNAME: readName,
  NS: readName,
  MX(value) {
    if (!isObject(value)) return undefined;
    const { preference, exchange } = value;
    return isUint16(preference) && isName(exchange) ? { preference, exchange } : undefined;
  },
  SOA(value) {
    if (!isObject(value)) return undefined;
    const { primary, mailbox, serial, refresh, retry, expire, minimum } = value;
    if (!isName(primary) || !isName(mailbox)) return undefined;
    return isUint32(serial) && isUint32(refresh) && isUint32(retry) && isUint32(expire) && isUint32(minimum)
      ? { primary, mailbox, serial, refresh, retry, expire, minimum }
      : undefined;
  },
  SRV(value) {
    if (!isObject(value)) return undefined;
    const { priority, weight, port, target } = value;
    return isUint16(priority) && isUint16(weight) && isUint16(port) && isName(target)
      ? { priority, weight, port, target }
      : undefined;
  },
  TLSA(value) {
    if (!isObject(value)) return undefined;
    const { usage, selector, matchingType, data } = value;
    return isUint8(usage) && isUint8(selector) && isUint8(matchingType) && isText(data) && /^[\da-f]*$/.test(data)
      ? { usage, selector, matchingType, data }
      : undefined;
  },
  CAA(value) {
    if (!isObject(value)) return undefined;
    const { critical, tag, value: text } = value;
    return typeof critical === 'boolean' && isOctets(tag) && isOctets(text)
      ? { critical, tag, value: text }
      : undefined;
  },
};

function readAnswer<T extends RecordType>(type: T, value: unknown): KnownAnswer<T> | undefined {
  if (!isObject(value)) return undefined;
  const { kind, ttl, authentic, records, canonicalName } = value;
  if (!isUint32(ttl) || saneTtl(ttl) !== ttl || typeof authentic !== 'boolean') return undefined;
  if (kind === 'nodata' || kind === 'nxdomain') return frozenAnswer({ kind, ttl, authentic }, ttl);
  if (kind !== 'records' || !Array.isArray(records) || records.length === 0) return undefined;
  const read = records.map((record: unknown) => readers[type](record)).filter((record) => record !== undefined);
  if (read.length !== records.length) return undefined;
  if (canonicalName === undefined) return frozenAnswer({ kind, records: read, ttl, authentic }, ttl);
  return isName(canonicalName) ? frozenAnswer({ kind, records: read, ttl, authentic, canonicalName }, ttl) : undefined;
}

/**
 * Reads what `encodeAnswer` wrote. `undefined` for anything else: bytes from elsewhere are checked down to every field,
 * because code behind it relies on the shapes. Never throws.
 */
export function decodeAnswer<T extends RecordType>(type: T, bytes: unknown): StoredAnswer<T> | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length > MAX_ENCODED_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { storedAt, answer: unread } = value;
  if (typeof storedAt !== 'number' || !Number.isFinite(storedAt)) return undefined;
  const answer = readAnswer(type, unread);
  return answer === undefined ? undefined : { answer, storedAt };
}
