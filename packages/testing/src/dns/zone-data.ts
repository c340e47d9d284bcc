import {
  type CaaRecord,
  type DnsFailureReason,
  isRecordType,
  type MxRecord,
  type RecordType,
  type SoaRecord,
  type SrvRecord,
  type TlsaRecord,
} from '@postern/core';
import { readRecordSet } from './record-literal.ts';
import { type RecordSets, recordTypes } from './record-set.ts';

/** How looking up a name can fail; `aborted` is the caller's own doing. */
export type ZoneFailure = Exclude<DnsFailureReason, 'aborted'>;

/** Looking up this type fails: `{ A: '192.0.2.1', TXT: { failure: 'timeout' } }`. */
export interface FailingType {
  readonly failure: ZoneFailure;
}

/** One record, several, or the way in which looking them up fails. */
export type OneOrMore<T> = T | readonly T[] | FailingType;

/**
 * What a name has. Every record may also be written as in a zone file, all names absolute: `MX: '10 mx.example.com'`.
 * Case and trailing dots do not matter.
 */
export interface NameData {
  readonly A?: OneOrMore<string>;
  readonly AAAA?: OneOrMore<string>;
  /** Text as core gives it, each character one octet (at most U+00FF); an array inside the array is one record's character-strings. */
  readonly TXT?: string | readonly (string | readonly string[])[] | FailingType;
  readonly MX?: OneOrMore<string | MxRecord>;
  readonly PTR?: OneOrMore<string>;
  /** At most one, and nothing beside it (RFC 1034 §3.6.2). */
  readonly CNAME?: OneOrMore<string>;
  readonly NS?: OneOrMore<string>;
  readonly SOA?: OneOrMore<string | SoaRecord>;
  readonly SRV?: OneOrMore<string | SrvRecord>;
  readonly TLSA?: OneOrMore<string | TlsaRecord>;
  readonly CAA?: OneOrMore<string | CaaRecord>;
  /** Seconds. Default: that of the zone. */
  readonly ttl?: number;
  /** Whether this name, and all below it that do not say otherwise, validate by DNSSEC. Default: that of the zone. */
  readonly authentic?: boolean;
}

/**
 * A zone as a literal: names with their records, or with the way in which every lookup of them fails. `*.example.com`
 * is a wildcard (RFC 4592).
 *
 * @example
 * ```ts
 * const data: ZoneData = {
 *   'example.com': { A: '192.0.2.1', MX: ['10 mx.example.com'], TXT: 'v=spf1 mx -all' },
 *   '2.0.0.127.zen.example': { A: ['127.0.0.2', '127.0.0.4'], ttl: 60 },
 *   'slow.example': 'timeout',
 * };
 * ```
 */
export type ZoneData = Readonly<Record<string, NameData | ZoneFailure>>;

/** What stands at one name of a zone. */
export interface ZoneNode {
  readonly sets: RecordSets;
  readonly failures: { readonly [T in RecordType]?: ZoneFailure };
  /** Every type fails. */
  readonly failure?: ZoneFailure;
  readonly authentic?: boolean;
}

const failures: readonly ZoneFailure[] = ['timeout', 'servfail', 'refused', 'network', 'malformed'];

/** The longest TTL (RFC 2181 §8). */
export const LONGEST_TTL = 0x7fff_ffff;

/** A node from its literal. Throws `TypeError` or `RangeError` that names the name and the type. */
export function readNode(name: string, data: NameData | ZoneFailure, defaultTtl: number): ZoneNode {
  if (typeof data === 'string') {
    return { sets: {}, failures: {}, failure: checkFailure(data, `${name}: ${JSON.stringify(data)}`) };
  }
  if (typeof data !== 'object' || data === null) throw new TypeError(`${name}: takes records or a failure`);
  for (const key of Object.keys(data)) {
    if (!isRecordType(key) && key !== 'ttl' && key !== 'authentic') {
      throw new TypeError(`${name}: ${JSON.stringify(key)} is neither a record type nor "ttl" nor "authentic"`);
    }
  }
  const ttl = data.ttl ?? defaultTtl;
  if (!isTtl(ttl)) throw new RangeError(`${name}: "ttl" must be a whole number from 0 to ${LONGEST_TTL}, got ${ttl}`);
  if (data.authentic !== undefined && typeof data.authentic !== 'boolean') {
    throw new TypeError(`${name}: "authentic" must be true or false`);
  }

  let sets: RecordSets = {};
  let failing: ZoneNode['failures'] = {};
  for (const type of recordTypes) {
    const value: unknown = data[type];
    if (value === undefined) continue;
    if (isFailingType(value))
      failing = { ...failing, [type]: checkFailure(value.failure, `${name} ${type}: "failure"`) };
    else sets = { ...sets, ...readSet(name, type, value, ttl) };
  }
  return nodeOf(name, sets, failing, data.authentic);
}

/** A node of finished sets. Throws `RangeError` for a CNAME with other data beside it. */
export function nodeOf(
  name: string,
  sets: RecordSets,
  failing: ZoneNode['failures'] = {},
  authentic?: boolean,
): ZoneNode {
  if (sets.CNAME !== undefined) {
    if (sets.CNAME.records.length > 1) throw new RangeError(`${name}: has more than one CNAME`);
    // RFC 1034 §3.6.2: "If a CNAME RR is present at a node, no other data should be present".
    const others = [...Object.keys(sets), ...Object.keys(failing)].filter((type) => type !== 'CNAME');
    if (others.length > 0) throw new RangeError(`${name}: has ${others.join(', ')} beside a CNAME`);
  }
  return { sets, failures: failing, ...(authentic === undefined ? {} : { authentic }) };
}

/** Whether it is seconds that DNS can carry. */
function isTtl(value: unknown): value is number {
  return Number.isInteger(value) && typeof value === 'number' && value >= 0 && value <= LONGEST_TTL;
}

function readSet(name: string, type: RecordType, value: unknown, ttl: number): RecordSets {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  try {
    return values.length === 0 ? {} : { [type]: readRecordSet(type, values, ttl) };
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    if (error instanceof TypeError) throw new TypeError(`${name} ${type}: ${message}`, { cause: error });
    throw new RangeError(`${name} ${type}: ${message}`, { cause: error });
  }
}

function isFailingType(value: unknown): value is { readonly failure: unknown } {
  return typeof value === 'object' && value !== null && 'failure' in value;
}

function checkFailure(value: unknown, what: string): ZoneFailure {
  const known = failures.find((failure) => failure === value);
  if (known === undefined) throw new TypeError(`${what} must be one of ${failures.join(', ')}`);
  return known;
}
