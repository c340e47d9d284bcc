/**
 * Do DNS lists know this address, or this domain? (RFC 5782)
 *
 * A DNS list is a zone in which every listed address has a name: its octets or nibbles reversed, below the list's own
 * name, with an A record in 127.0.0.0/8 that says why and perhaps a TXT record that says it in words.
 * {@link queryDnsbl} asks several lists at once and tells listed, clean and unknown apart: error codes, made-up answers
 * and time-outs are never listings. {@link queryDomainList} does so for lists of domains. {@link dnsbl} is the same as a
 * `Check` of a gateway.
 *
 * {@link ZoneMonitor} watches lists at their test points, so that queries do not ask those that do not work.
 *
 * @module
 */
export { type DnsblOptions, dnsbl } from './dnsbl-check.ts';
export type { DnsblResult, DnsblUnknownReason } from './dnsbl-result.ts';
export type {
  AddressZone,
  DnsblAnswer,
  DnsblErrorAnswer,
  DnsblZone,
  DomainZone,
  ZoneProperties,
} from './dnsbl-zone.ts';
export { type AskedDomain, type DomainDnsblOptions, domainDnsbl } from './domain-dnsbl-check.ts';
export type { RegistrableDomain } from './domain-questions.ts';
export { type ExternalHop, firstExternalHop } from './first-external-hop.ts';
export type { ListingPolicyOptions } from './listing-policy.ts';
export { abusixDomains, spamhausDbl, spamhausDblDqs, surblMulti, uriblMulti } from './public-domain-zones.ts';
export {
  abusixCombined,
  barracuda,
  dnswl,
  dronebl,
  mailspike,
  mailspikeAllow,
  psbl,
  spamcop,
  spamhausZen,
  spamhausZenDqs,
} from './public-zones.ts';
export { type QueryDnsblOptions, queryDnsbl } from './query-dnsbl.ts';
export { type QueryDomainListOptions, queryDomainList } from './query-domain-list.ts';
export type { AskingOptions, QueryOptions } from './query-options.ts';
export type { QueryTrace } from './query-tracing.ts';
export { type ReceivedDnsblOptions, receivedDnsbl } from './received-dnsbl-check.ts';
export type { ZoneHealth } from './zone-health.ts';
export { type ZoneLimit, ZoneLimits, type ZoneLimitsOptions } from './zone-limits.ts';
export { type ProbeOptions, ZoneMonitor, type ZoneMonitorOptions } from './zone-monitor.ts';
export type { ZoneTestPoints } from './zone-probe.ts';
export type { ZoneFacts, ZoneResult, ZoneSkippedReason, ZoneUnknownReason } from './zone-result.ts';
export type { ZoneFault, ZoneProbeOutcome, ZoneState, ZoneStateChange } from './zone-state.ts';
