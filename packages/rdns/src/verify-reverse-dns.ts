import {
  DeadlineResolver,
  type DnsFailureReason,
  type IpAddress,
  OptionReader,
  parseIp,
  type Resolver,
  reverseName,
  toAsciiDomain,
} from '@postern/core';
import { matchAddress } from './address-lookup.ts';
import { type GenericName, judgeName } from './generic-name.ts';
import { type LookupOptions, readLookupOptions } from './lookup-options.ts';

/** How to ask {@link verifyReverseDns}. */
export interface ReverseDnsLookupOptions extends LookupOptions {
  /**
   * How many PTR names are looked up, in the order of the answer; the rest is counted in `unasked`. Whoever runs a
   * reverse zone could make one lookup thousands otherwise. Default 10, as RFC 7208 §4.6.4 has it; from 1 to 100.
   */
  readonly maxNames?: number;
}

/**
 * Why the status is what it is.
 *
 * - `confirmed` (pass): a PTR name leads back to the address
 * - `not-confirmed` (fail): the names exist or do not, and none leads back; beyond `maxNames` none is looked at, as
 *   RFC 7208 §4.6.4 has it
 * - `no-ptr` (permerror): no PTR record is published for the address
 * - `no-host-name` (permerror): there are PTR records, and none holds a host name
 * - `not-an-address` (permerror): the text is no IP address
 * - `dns` (temperror): not known, see `failure`
 */
export type ReverseDnsReason = 'confirmed' | 'not-confirmed' | 'no-ptr' | 'no-host-name' | 'not-an-address' | 'dns';

/** What a name that a PTR record gave led to. */
export type ForwardStatus = 'match' | 'no-match' | 'nxdomain' | 'unknown';

/** A name of the client and what its address records say. */
export type ForwardName = {
  readonly name: string;
  readonly status: ForwardStatus;
  /** Where the name leads, when that is elsewhere: at most 10 addresses. */
  readonly addresses: readonly string[];
};

/** What `iprev` found (RFC 8601 §3). Plain JSON. */
export interface ReverseDnsResult {
  /** The words of RFC 8601 §2.7.3. */
  readonly status: 'pass' | 'fail' | 'temperror' | 'permerror';
  readonly reason: ReverseDnsReason;
  /** The host names of the PTR records that were looked up, in lower case and A-labels, each once. */
  readonly names: readonly string[];
  /** Those of `names` that lead back to the address. */
  readonly confirmed: readonly string[];
  /** Every name that was looked up, with what it led to. */
  readonly forward: readonly ForwardName[];
  /** PTR records that hold no host name, such as those with a space in it. They are not looked up. */
  readonly malformed: number;
  /** Host names beyond `maxNames`. */
  readonly unasked: number;
  /** Whether DNSSEC covered the PTR records and a confirming address record. */
  readonly authentic: boolean;
  /**
   * How much the client's name looks like one that a provider gives to every address: of the confirmed names, or else of
   * all, the one that looks so the least. `undefined` without a name.
   */
  readonly generic: GenericName | undefined;
  /** What went wrong, when the status is `temperror`. */
  readonly failure: DnsFailureReason | undefined;
}

const DEFAULT_MAX_NAMES = 10;
const nothing = { names: [], confirmed: [], forward: [], malformed: 0, unasked: 0, authentic: false } as const;

function without(status: 'permerror', reason: ReverseDnsReason): ReverseDnsResult {
  return { ...nothing, status, reason, generic: undefined, failure: undefined };
}

function unknown(failure: DnsFailureReason): ReverseDnsResult {
  return { ...nothing, status: 'temperror', reason: 'dns', generic: undefined, failure };
}

/** The host names among the texts of PTR records, each once, and how many held none. */
function hostNames(records: readonly string[]): { readonly names: readonly string[]; readonly malformed: number } {
  const names = new Set<string>();
  let malformed = 0;
  for (const record of records) {
    // Underscores are no part of host names (RFC 1123 §2.1) and stand in many all the same.
    const name = toAsciiDomain(record, { underscores: true });
    if (name === undefined) malformed++;
    else names.add(name);
  }
  return { names: [...names], malformed };
}

/** The name that looks the least like a provider's, so that one good name is enough. */
function leastGeneric(names: readonly string[], ip: IpAddress): GenericName | undefined {
  let least: GenericName | undefined;
  for (const name of names) {
    const judged = judgeName(name, ip);
    if (least === undefined || judged.score < least.score) least = judged;
  }
  return least;
}

/** {@link verifyReverseDns} for options that have been read. Never rejects. */
export async function lookUpReverseDns(ip: IpAddress, maxNames: number, dns: Resolver): Promise<ReverseDnsResult> {
  const answer = await dns.resolve(reverseName(ip), 'PTR');
  if (answer.kind === 'failure') return unknown(answer.reason);
  // RFC 8601 §2.7.3: no PTR data is a permerror.
  if (answer.kind !== 'records') return without('permerror', 'no-ptr');
  const { names: all, malformed } = hostNames(answer.records);
  if (all.length === 0) return { ...without('permerror', 'no-host-name'), malformed };

  const names = all.slice(0, maxNames);
  const unasked = all.length - names.length;
  const matches = await Promise.all(names.map((name) => matchAddress(name, ip, dns)));
  const forward: ForwardName[] = [];
  const confirmed: string[] = [];
  let authentic = false;
  let failure: DnsFailureReason | undefined;
  names.forEach((name, index) => {
    const match = matches[index];
    if (match === undefined) return;
    forward.push({ name, status: match.kind, addresses: match.kind === 'no-match' ? match.addresses : [] });
    if (match.kind === 'match') {
      confirmed.push(name);
      authentic ||= answer.authentic && match.authentic;
    } else if (match.kind === 'unknown') {
      failure ??= match.reason;
    }
  });

  const facts = { names, confirmed, forward, malformed, unasked, authentic };
  const generic = leastGeneric(confirmed.length > 0 ? confirmed : names, ip);
  if (confirmed.length > 0) return { ...facts, status: 'pass', reason: 'confirmed', generic, failure: undefined };
  // The name that could not be looked up may be the one that leads back.
  if (failure !== undefined) return { ...facts, status: 'temperror', reason: 'dns', generic, failure };
  return { ...facts, status: 'fail', reason: 'not-confirmed', generic, failure: undefined };
}

/** Reads `maxNames`. */
export function readMaxNames(read: OptionReader): number {
  return read.integer('maxNames', DEFAULT_MAX_NAMES, { min: 1, max: 100 });
}

/**
 * Whether the client's address has a name that leads back to it: `iprev` of RFC 8601 §3, also called forward-confirmed
 * reverse DNS. One PTR lookup, then one lookup of the client's family (A or AAAA) for each name, all at once. CNAME
 * records are followed, so that delegation by RFC 2317 works.
 *
 * One name that leads back is a `pass`, whatever the others do. Without any, a lookup that failed makes it a `temperror`:
 * unknown is neither pass nor fail.
 *
 * Bounds: `maxNames` names, `timeoutMs` for all.
 *
 * @param ip - the client's address as text; an IPv4-mapped IPv6 address is the IPv4 address
 * @returns never rejects because of DNS
 * @throws TypeError or RangeError (as a rejection) that names the option
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { verifyReverseDns } from '@postern/rdns';
 *
 * const { status, confirmed, generic } = await verifyReverseDns('203.0.114.7', { resolver: systemResolver() });
 * if (status === 'pass' && generic?.generic === false) console.log(`a host with a name of its own: ${confirmed[0]}`);
 * ```
 */
export async function verifyReverseDns(ip: string, options: ReverseDnsLookupOptions): Promise<ReverseDnsResult> {
  const read = new OptionReader('verifyReverseDns', options);
  const { resolver, signal, timeoutMs } = readLookupOptions(read);
  const maxNames = readMaxNames(read);
  read.done();

  const address = parseIp(ip);
  if (address === undefined) return without('permerror', 'not-an-address');
  using dns = new DeadlineResolver(resolver, { timeoutMs, signal });
  return await lookUpReverseDns(address, maxNames, dns);
}
