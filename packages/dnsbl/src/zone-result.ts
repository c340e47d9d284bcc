/**
 * Why a zone's word is not known.
 *
 * - `timeout`, `servfail`, `refused`, `network`, `malformed`, `aborted`: the lookup failed (core's `DnsFailureReason`)
 * - `resolver-error`: the resolver threw, which none should
 * - `open-resolver` (127.255.255.254): asked through a public resolver; `over-quota` (127.255.255.255): asked too often;
 *   `zone-name` (127.255.255.252): no such list there; `error-code`: the rest of 127.255.255.0/24
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
  | 'open-resolver'
  | 'over-quota'
  | 'zone-name'
  | 'error-code'
  | 'rewritten'
  | 'reserved-code'
  | 'undocumented-code';

/**
 * Why a zone was not asked. `not-an-address`: nothing to ask about. `special-address`: private, loopback, documentation
 * and other addresses of the IANA special-purpose registries. `other-family`: the zone does not know IPv6 (or IPv4).
 */
export type ZoneSkippedReason = 'not-an-address' | 'special-address' | 'other-family';

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
 * What one zone says of the address. `reasons` are the zone's own words for a listing, a {@link ZoneUnknownReason}, a
 * {@link ZoneSkippedReason}, or empty for `clean`. Plain JSON.
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
