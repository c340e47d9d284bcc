import type { ZoneResult } from './zone-result.ts';

/**
 * Why the status is `unknown`.
 *
 * - `not-an-address`: the text is no IP address
 * - `special-address`: private, loopback, documentation and the like: not asked unless `askSpecial` is set
 * - `not-asked`: no block zone knows the address's family
 * - `no-answer`: none lists it, but at least one block zone that was asked could not say
 */
export type DnsblUnknownReason = 'not-an-address' | 'special-address' | 'not-asked' | 'no-answer';

/** What the lists say of an address. Plain JSON. */
export type DnsblResult = {
  /**
   * Speaks of block zones only. `listed`: at least one lists it. `clean`: all that were asked know nothing of it.
   * `unknown`: neither, see `reason`.
   */
  readonly status: 'listed' | 'clean' | 'unknown';
  /** Why, when the status is `unknown`. */
  readonly reason: DnsblUnknownReason | undefined;
  /** The weights of the block zones that list it, added up. */
  readonly score: number;
  /** An allow zone lists it, with a weight above 0. */
  readonly allowed: boolean;
  /** Every zone's own result, in the order in which the zones were given. */
  readonly zones: readonly ZoneResult[];
};

/**
 * Adds up what the zones say.
 *
 * @param skipped - why nobody was asked, when nobody was
 */
export function sumUp(zones: readonly ZoneResult[], skipped?: DnsblUnknownReason): DnsblResult {
  let listed = false;
  let clean = false;
  let unknown = false;
  let score = 0;
  let allowed = false;
  for (const zone of zones) {
    if (zone.kind === 'allow') {
      allowed ||= zone.status === 'listed' && zone.score > 0;
    } else {
      listed ||= zone.status === 'listed';
      clean ||= zone.status === 'clean';
      unknown ||= zone.status === 'unknown';
      score += zone.score;
    }
  }
  const status = listed ? 'listed' : unknown || !clean ? 'unknown' : 'clean';
  const reason = status === 'unknown' ? (skipped ?? (unknown ? 'no-answer' : 'not-asked')) : undefined;
  return { status, reason, score, allowed, zones };
}
