import { OptionReader, parseIp } from '@postern/core';
import { askAboutAddress } from './address-questions.ts';
import { isZoneList } from './compiled-zone.ts';
import type { DnsblResult } from './dnsbl-result.ts';
import type { AddressZone } from './dnsbl-zone.ts';
import { type QueryOptions, readQueryOptions } from './query-options.ts';
import { ZoneMemory } from './zone-memory.ts';

/** How to ask {@link queryDnsbl}. */
export interface QueryDnsblOptions extends QueryOptions {
  /**
   * The lists: zone values, or plain names for lists that follow RFC 5782 without codes of their own. An array that is
   * used again is checked only once.
   */
  readonly zones: readonly (string | AddressZone)[];
  /**
   * Ask about private, loopback, documentation and other special addresses too (IANA special-purpose registries), for
   * lists of one's own and for tests. Default `false`.
   */
  readonly askSpecial?: boolean;
}

const memory = new ZoneMemory('queryDnsbl', 'addresses');

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
 * Bounds: one A query a zone, one TXT query a listing (a zone with `txt: 'always'`), 16 answers and 500 characters of text a zone, `timeoutMs`.
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
  const { signal, ...asking } = readQueryOptions(read);
  const askSpecial = read.boolean('askSpecial', false);
  read.done();

  return askAboutAddress(parseIp(ip), memory.compile(zones), { ...asking, askSpecial }, signal);
}
