import { isResolver, OptionReader, parseIp, type Resolver } from '@postern/core';
import { askZones } from './ask-zones.ts';
import { type CompiledZone, compileZones, isZoneList } from './compiled-zone.ts';
import type { DnsblResult } from './dnsbl-result.ts';
import type { DnsblZone } from './dnsbl-zone.ts';

/** How to ask {@link queryDnsbl}. */
export interface QueryDnsblOptions {
  /**
   * The lists: zone values, or plain names for lists that follow RFC 5782 without codes of their own. An array that is
   * used again is checked only once.
   */
  readonly zones: readonly (string | DnsblZone)[];
  /** Who asks DNS; core's `systemResolver()`, for instance. */
  readonly resolver: Resolver;
  /** Ends the wait at once: zones that have not answered are `unknown` with the reason `aborted`. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds for the whole query, TXT records included; zones that have not answered by then are `unknown` with the
   * reason `timeout`. Default 3,000: well below the time that SMTP servers give a command. From 1 to 600,000.
   */
  readonly timeoutMs?: number;
  /**
   * Ask about private, loopback, documentation and other special addresses too (IANA special-purpose registries), for
   * lists of one's own and for tests. Default `false`.
   */
  readonly askSpecial?: boolean;
}

export const DEFAULT_TIMEOUT_MS = 3_000;
/** RFC 5321 §4.5.3.2: ten minutes are the longest that a client is asked to wait for a reply. */
export const MAX_TIMEOUT_MS = 600_000;

function isSignal(value: unknown): value is AbortSignal {
  return value instanceof AbortSignal;
}

/** What an array of zones held when it was checked, and what came of it. */
interface Remembered {
  readonly zones: readonly (string | DnsblZone)[];
  readonly compiled: readonly CompiledZone[];
}

/** By the array that the zones came in, so that a caller with a constant list pays for its check once. */
const remembered = new WeakMap<readonly (string | DnsblZone)[], Remembered>();

function compileOnce(zones: readonly (string | DnsblZone)[]): readonly CompiledZone[] {
  const before = remembered.get(zones);
  if (before?.zones.length === zones.length && before.zones.every((zone, index) => zone === zones[index])) {
    return before.compiled;
  }
  const compiled = compileZones('queryDnsbl', zones);
  remembered.set(zones, { zones: [...zones], compiled });
  return compiled;
}

/**
 * Asks DNS lists about an address (RFC 5782): all zones at once, IPv4 and IPv6, block and allow lists together.
 *
 * Only documented answers list. Error codes of the lists, answers outside 127.0.0.0/8, undocumented codes, failed
 * lookups and time-outs are `unknown`, each zone with its reason word: unknown is neither listed nor clean.
 *
 * Private, loopback and documentation addresses are not asked unless `askSpecial` is set: the status is `unknown` with
 * the reason `special-address`, and every zone is `skipped`. Text that is no address comes from the wire and not from a
 * programmer: `unknown` with the reason `not-an-address`.
 *
 * Bounds: one A query a zone, one TXT query a listing, 16 answers and 500 characters of text a zone, `timeoutMs`.
 *
 * @param ip - the address as text; an IPv4-mapped IPv6 address is the IPv4 address
 * @returns never rejects because of DNS
 * @throws TypeError or RangeError (as a rejection) for options that are wrong; query keys are never quoted
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { queryDnsbl, spamcop, spamhausZen } from '@postern/dnsbl';
 *
 * const zones = [spamhausZen, spamcop];
 * const resolver = systemResolver();
 * const { status, zones: found } = await queryDnsbl('203.0.114.7', { zones, resolver });
 * if (status === 'listed') console.log(found.filter((each) => each.status === 'listed'));
 * ```
 */
export async function queryDnsbl(ip: string, options: QueryDnsblOptions): Promise<DnsblResult> {
  const read = new OptionReader('queryDnsbl', options);
  const zones = read.required('zones', isZoneList, 'a list of zones and zone names');
  const resolver = read.required('resolver', isResolver, 'a Resolver');
  const signal = read.value('signal', isSignal, 'an AbortSignal');
  const timeoutMs = read.integer('timeoutMs', DEFAULT_TIMEOUT_MS, { min: 1, max: MAX_TIMEOUT_MS });
  const askSpecial = read.boolean('askSpecial', false);
  read.done();

  return askZones(parseIp(ip), compileOnce(zones), { resolver, timeoutMs, askSpecial }, signal);
}
