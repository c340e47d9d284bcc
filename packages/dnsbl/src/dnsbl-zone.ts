import type { ZoneTestPoints } from './zone-probe.ts';

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
 * An answer by which a list says that it does not answer: `{ code: '127.0.0.255', reason: 'over-quota' }`. The zone is
 * then `unknown` with that reason, whatever `answers` say of the code.
 */
export interface DnsblErrorAnswer {
  /** In 127.0.0.0/8. */
  readonly code: string;
  readonly reason: 'open-resolver' | 'over-quota' | 'access-denied' | 'zone-name' | 'error-code';
}

/** What zones have in common, whatever they list. */
export interface ZoneProperties {
  /** The domain that queries end in, without a query key: `zen.spamhaus.org`. */
  readonly name: string;
  /** `allow`: a listing speaks for the client and is never a reason to refuse it. Default `block`. */
  readonly kind?: 'block' | 'allow';
  /**
   * What its answers mean. Default: 127.0.0.2 to 127.0.0.254 mean `listed`. RFC 5782 §2.1 makes 127.0.0.2 the customary
   * answer and §2.3 lets a list use others; 127.0.0.255 is left out because DNSWL answers it to those who ask too often.
   */
  readonly answers?: readonly DnsblAnswer[];
  /**
   * Its own ways to say that it does not answer, besides 127.0.0.1 and 127.255.255.0/24, which never list anywhere; or other
   * words for those. Default none.
   */
  readonly errors?: readonly DnsblErrorAnswer[];
  /** What a listing adds to the score. Finite, ≥ 0. Default 1. */
  readonly weight?: number;
  /**
   * Whether the TXT record is asked for, which says why. `listed`: once there is a listing; one more query, and one more
   * round trip, for each listed client. `always`: together with the listing; twice the queries, no more time. `never`.
   * Default `listed`.
   */
  readonly txt?: 'listed' | 'always' | 'never';
  /**
   * Where a person reads about a listing; `{ip}`, or `{domain}` for a list of domains, stands for what is listed. An
   * `https:` or `http:` link. Default none.
   */
  readonly lookup?: string;
  /**
   * A secret label, or several, that the operator asks for between what is asked about and the zone:
   * `<address>.<key>.<name>`. It goes into the query and nowhere else: results, findings, replies, error messages and
   * traces have only `name`.
   */
  readonly key?: string;
  /** What a `ZoneMonitor` tries the list with. Default: the test points of RFC 5782 §5. */
  readonly testPoints?: ZoneTestPoints;
  /** Where the operator documents the answers. For people; not used. */
  readonly source?: string;
  /** Where the operator says who may ask, and how much. For people; not used. */
  readonly terms?: string;
}

/**
 * A DNS list of addresses (RFC 5782) as a value. Zones are read once; one that is changed afterwards goes on as it was.
 *
 * @example
 * ```ts
 * const ours: AddressZone = {
 *   name: 'bl.example.com',
 *   answers: [
 *     { code: '127.0.0.2', reason: 'spam-trap' },
 *     { code: '127.0.0.3', reason: 'password-guessing', weight: 0.5 },
 *   ],
 *   lookup: 'https://bl.example.com/why?address={ip}',
 * };
 * ```
 */
export interface AddressZone extends ZoneProperties {
  readonly lists?: 'addresses';
  /** Whether the list knows IPv4 addresses. Default `true`. */
  readonly ipv4?: boolean;
  /** Whether the list knows IPv6 addresses (RFC 5782 §2.4). Default `true`. */
  readonly ipv6?: boolean;
}

/**
 * A DNS list of domains (RFC 5782 §3) as a value. It is never asked about an address.
 *
 * @example
 * ```ts
 * const ours: DomainZone = { name: 'dbl.example.com', lists: 'domains', lookup: 'https://dbl.example.com/?{domain}' };
 * ```
 */
export interface DomainZone extends ZoneProperties {
  readonly lists: 'domains';
  /**
   * Which form of a domain the list has. `name`: it answers for all names below a listed one, so the name is asked as it
   * is. `registrable`: it has only registrable domains (`example.co.uk`), so that `mail.example.co.uk` has to be cut;
   * this takes the option `registrableDomain` of the query. Default `name`.
   */
  readonly query?: 'name' | 'registrable';
}

/** A DNS list as a value. */
export type DnsblZone = AddressZone | DomainZone;
