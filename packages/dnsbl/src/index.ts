/**
 * Do DNS lists know this address? (RFC 5782)
 *
 * A DNS list is a zone in which every listed address has a name: its octets or nibbles reversed, below the list's own
 * name, with an A record in 127.0.0.0/8 that says why and perhaps a TXT record that says it in words.
 * {@link queryDnsbl} asks several lists at once and tells listed, clean and unknown apart: error codes, made-up answers
 * and time-outs are never listings. {@link dnsbl} is the same as a `Check` of a gateway.
 *
 * @module
 */
export { type DnsblOptions, dnsbl } from './dnsbl-check.ts';
export type { DnsblResult, DnsblUnknownReason } from './dnsbl-result.ts';
export type { DnsblAnswer, DnsblZone } from './dnsbl-zone.ts';
export { barracuda, psbl, spamcop, spamhausZen, spamhausZenDqs } from './public-zones.ts';
export { type QueryDnsblOptions, queryDnsbl } from './query-dnsbl.ts';
export type { ZoneFacts, ZoneResult, ZoneSkippedReason, ZoneUnknownReason } from './zone-result.ts';
