/**
 * Why a zone's word is not known.
 *
 * - `timeout`, `servfail`, `refused`, `network`, `malformed`, `aborted`: the lookup failed (core's `DnsFailureReason`)
 * - `resolver-error`: the resolver threw, which none should
 * - `set-aside`: a `ZoneMonitor` found that it does not work, and it was not asked
 * - `over-budget`, `too-many-at-once`: a `ZoneLimits` let no query out
 * - `open-resolver` (127.255.255.254): asked through a public resolver; `over-quota` (127.255.255.255): asked too often;
 *   `zone-name` (127.255.255.252): no such list there; `error-code`: the rest of 127.255.255.0/24. Zones have codes of
 *   their own for these as well, and for `access-denied`: it does not serve who asks
 * - `rewritten`: an answer outside 127.0.0.0/8, such as resolvers make up for names that do not exist
 * - `reserved-code`: 127.0.0.1, which lists answer to those whom they refuse
 * - `undocumented-code`: an answer in 127.0.0.0/8 that the zone's `answers` do not explain
 */
export type ZoneUnknownReason =
  | 'timeout'
  | 'servfail'
  | 'refused'
  | 'network'
  | 'malformed'
  | 'aborted'
  | 'resolver-error'
  | 'set-aside'
  | 'over-budget'
  | 'too-many-at-once'
  | 'open-resolver'
  | 'over-quota'
  | 'access-denied'
  | 'zone-name'
  | 'error-code'
  | 'rewritten'
  | 'reserved-code'
  | 'undocumented-code';

/**
 * Why a zone was not asked, or not heard.
 *
 * - `not-an-address`, `not-a-domain`: nothing to ask about
 * - `special-address`: private, loopback, documentation and other addresses of the IANA special-purpose registries
 * - `special-domain`: a name that means nothing on the internet (RFC 6761): `localhost`, one of a single label
 * - `other-family`: the zone does not know IPv6 (or IPv4)
 * - `no-registrable-domain`: the zone has registrable domains only, and the name lies below none
 * - `stopped`: `stopAtScore` was reached, or could no longer be reached, without it
 */
export type ZoneSkippedReason =
  | 'not-an-address'
  | 'not-a-domain'
  | 'special-address'
  | 'special-domain'
  | 'other-family'
  | 'no-registrable-domain'
  | 'stopped';

/** What is known of a zone's answer whatever it says. */
export interface ZoneFacts {
  /** The zone's name, without its key. */
  readonly zone: string;
  readonly kind: 'block' | 'allow';
  /** The answers as they came, in order; at most 16. */
  readonly codes: readonly string[];
  /** What a listing adds to the score; 0 without one. */
  readonly score: number;
  /** The TXT record of a listing, printable ASCII, at most 500 characters; `undefined` if there is none. */
  readonly text: string | undefined;
  /** Where a person reads about the listing; `undefined` if the zone has no `lookup` or did not list. */
  readonly link: string | undefined;
}

/**
 * What one zone says of the address or the domain. `reasons` are the zone's own words for a listing, a
 * {@link ZoneUnknownReason}, a {@link ZoneSkippedReason}, or empty for `clean`. Plain JSON.
 */
export type ZoneResult = Readonly<
  ZoneFacts &
    (
      | { readonly status: 'listed'; readonly reasons: readonly string[] }
      | { readonly status: 'clean'; readonly reasons: readonly [] }
      | { readonly status: 'unknown'; readonly reasons: readonly [ZoneUnknownReason] }
      | { readonly status: 'skipped'; readonly reasons: readonly [ZoneSkippedReason] }
    )
>;
