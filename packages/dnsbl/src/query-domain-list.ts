import { OptionReader } from '@postern/core';
import { type CompiledZone, isZoneList } from './compiled-zone.ts';
import type { DnsblResult } from './dnsbl-result.ts';
import type { DomainZone } from './dnsbl-zone.ts';
import { askAboutDomain, type RegistrableDomain } from './domain-questions.ts';
import { type QueryOptions, readQueryOptions } from './query-options.ts';
import { ZoneMemory } from './zone-memory.ts';

/** How to ask {@link queryDomainList}. */
export interface QueryDomainListOptions extends QueryOptions {
  /**
   * The lists: zone values with `lists: 'domains'`, or plain names for lists that follow RFC 5782 without codes of their
   * own. An array that is used again is checked only once.
   */
  readonly zones: readonly (string | DomainZone)[];
  /** For zones with `query: 'registrable'`, which need it. */
  readonly registrableDomain?: RegistrableDomain;
  /**
   * Ask about names too that mean nothing on the internet (`localhost`, single labels, `.test`, `.internal`; RFC 6761), for
   * lists of one's own and for tests. Default `false`.
   */
  readonly askSpecial?: boolean;
}

const memory = new ZoneMemory('queryDomainList', 'domains');

/** Whether an option is what finds registrable domains. */
export function isRegistrableDomain(value: unknown): value is RegistrableDomain {
  return typeof value === 'function';
}

/** Throws a `TypeError` if a zone has registrable domains only and nothing finds them. */
export function needRegistrable(
  owner: string,
  zones: readonly CompiledZone[],
  registrableDomain: RegistrableDomain | undefined,
): void {
  const zone = registrableDomain === undefined ? zones.find(({ registrable }) => registrable) : undefined;
  if (zone === undefined) return;
  throw new TypeError(`${owner}: option "registrableDomain" must be a function, since ${zone.name} needs it`);
}

/**
 * Asks DNS lists about a domain (RFC 5782 §3): all zones at once, block and allow lists together. The domain may be a HELO
 * name, a reverse name, or that of a MAIL FROM or From address.
 *
 * An address, with or without brackets, is never asked about: lists of domains answer every one of them. It is, like all
 * that is no domain, `unknown` with the reason `not-a-domain`. A name that means nothing on the internet is not asked about
 * unless `askSpecial` is set: `special-domain`. U-labels are asked as A-labels.
 *
 * A name that is too long together with the zone's loses its first labels.
 *
 * In all else it is like {@link queryDnsbl}.
 *
 * @param domain - as it came from the wire
 * @returns never rejects because of DNS
 * @throws TypeError or RangeError (as a rejection) for options that are wrong; query keys are never quoted
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { queryDomainList, spamhausDbl } from '@postern/dnsbl';
 *
 * const zones = [spamhausDbl];
 * const resolver = systemResolver();
 * const { status } = await queryDomainList('mail.spammer.biz', { zones, resolver });
 * ```
 */
export async function queryDomainList(domain: string, options: QueryDomainListOptions): Promise<DnsblResult> {
  const read = new OptionReader('queryDomainList', options);
  const zones = read.required('zones', isZoneList, 'a list of zones and zone names');
  const { signal, ...asking } = readQueryOptions(read);
  const registrableDomain = read.value('registrableDomain', isRegistrableDomain, 'a function');
  const askSpecial = read.boolean('askSpecial', false);
  read.done();

  const compiled = memory.compile(zones);
  needRegistrable('queryDomainList', compiled, registrableDomain);
  return askAboutDomain(domain, compiled, { ...asking, registrableDomain, askSpecial }, signal);
}
