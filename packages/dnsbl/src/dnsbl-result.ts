import type { CompiledZone } from './compiled-zone.ts';
import { skippedResult } from './judge-answer.ts';
import type { ZoneResult } from './zone-result.ts';

/**
 * Why the status is `unknown`.
 *
 * - `not-an-address`, `not-a-domain`: the text is none
 * - `special-address`, `special-domain`: private, loopback, documentation and the like: not asked unless `askSpecial` is set
 * - `not-asked`: no block zone knows the address's family, or the form of the domain
 * - `no-answer`: none lists it, but at least one block zone that was asked could not say
 * - `stopped`: none lists it so far, and the rest was not awaited: `stopAtScore` could no longer be reached, or an allow
 *   zone spoke for it
 */
export type DnsblUnknownReason =
  | 'not-an-address'
  | 'not-a-domain'
  | 'special-address'
  | 'special-domain'
  | 'not-asked'
  | 'no-answer'
  | 'stopped';

/** What the lists say of an address or a domain. Plain JSON. */
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

/** Adds up what the zones say. */
export function sumUp(zones: readonly ZoneResult[]): DnsblResult {
  let listed = false;
  let clean = false;
  let unknown = false;
  let stopped = false;
  let score = 0;
  let allowed = false;
  for (const zone of zones) {
    if (zone.kind === 'allow') {
      allowed ||= zone.status === 'listed' && zone.score > 0;
    } else {
      listed ||= zone.status === 'listed';
      clean ||= zone.status === 'clean';
      unknown ||= zone.status === 'unknown';
      stopped ||= zone.status === 'skipped' && zone.reasons[0] === 'stopped';
      score += zone.score;
    }
  }
  const reason = listed ? undefined : unknown ? 'no-answer' : stopped ? 'stopped' : clean ? undefined : 'not-asked';
  const status = listed ? 'listed' : reason === undefined ? 'clean' : 'unknown';
  return { status, reason, score, allowed, zones };
}

/** The result when there is nothing to ask about. */
export function nobodyAsked(
  zones: readonly CompiledZone[],
  reason: 'not-an-address' | 'not-a-domain' | 'special-address' | 'special-domain',
): DnsblResult {
  const skipped = zones.map((zone) => skippedResult(zone, reason));
  return { status: 'unknown', reason, score: 0, allowed: false, zones: skipped };
}
