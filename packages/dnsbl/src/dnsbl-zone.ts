/**
 * What one answer of a zone means. Only answers that its operator documents list; every other one is `unknown`.
 * An answer may match several meanings (lists that set bits); each gives its reason.
 *
 * - `{ code: '127.0.0.2' }`: exactly this answer
 * - `{ code: '127.0.0.8', mask: '255.255.255.8' }`: every answer with these bits under the mask
 * - `{ from: '127.0.0.4', to: '127.0.0.7' }`: a range, both ends included
 *
 * All codes stand in 127.0.0.0/8 (RFC 5782 §2.3). Whatever is documented here, 127.0.0.1 and 127.255.255.0/24 never list.
 */
export type DnsblAnswer = {
  /** One word, such as `sbl`: stands in findings and replies. Letters, digits, `-`, `_`, `.`; at most 64. */
  readonly reason: string;
  /** What a listing with this answer adds to the score, instead of the zone's weight. Finite, ≥ 0. */
  readonly weight?: number;
} & (
  | { readonly code: string; readonly mask?: string; readonly from?: never; readonly to?: never }
  | { readonly from: string; readonly to: string; readonly code?: never; readonly mask?: never }
);

/**
 * A DNS list of addresses (RFC 5782) as a value. Zones are read once; one that is changed afterwards goes on as it was.
 *
 * @example
 * ```ts
 * const ours: DnsblZone = {
 *   name: 'bl.example.com',
 *   answers: [
 *     { code: '127.0.0.2', reason: 'spam-trap' },
 *     { code: '127.0.0.3', reason: 'password-guessing', weight: 0.5 },
 *   ],
 *   lookup: 'https://bl.example.com/why?address={ip}',
 * };
 * ```
 */
export interface DnsblZone {
  /** The domain that queries end in, without a query key: `zen.spamhaus.org`. */
  readonly name: string;
  /** `allow`: a listing speaks for the client and is never a reason to refuse it. Default `block`. */
  readonly kind?: 'block' | 'allow';
  /**
   * What its answers mean. Default: 127.0.0.2 to 127.0.0.254 mean `listed`. RFC 5782 §2.1 makes 127.0.0.2 the customary
   * answer and §2.3 lets a list use others; 127.0.0.255 is left out because DNSWL answers it to those who ask too often.
   */
  readonly answers?: readonly DnsblAnswer[];
  /** What a listing adds to the score. Finite, ≥ 0. Default 1. */
  readonly weight?: number;
  /** Whether the list knows IPv4 addresses. Default `true`. */
  readonly ipv4?: boolean;
  /** Whether the list knows IPv6 addresses (RFC 5782 §2.4). Default `true`. */
  readonly ipv6?: boolean;
  /** Ask for the TXT record of a listing, which says why. One more query for each listed client. Default `true`. */
  readonly txt?: boolean;
  /** Where a person reads about a listing; `{ip}` stands for the address. An `https:` or `http:` link. Default none. */
  readonly lookup?: string;
  /**
   * A secret label, or several, that the operator asks for between address and zone: `<address>.<key>.<name>`. It goes
   * into the query and nowhere else: results, findings, replies and error messages have only `name`.
   */
  readonly key?: string;
  /** Where the operator documents the answers and the terms of use. For people; not used. */
  readonly source?: string;
}
