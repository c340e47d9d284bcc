import type { CompiledZone } from './compiled-zone.ts';
import type { ZoneResult } from './zone-result.ts';

/** A zone, and what it said if it has. */
export interface PendingZone {
  readonly zone: CompiledZone;
  readonly result: ZoneResult | undefined;
}

/**
 * Whether it is settled that an address or domain reaches a score and no allow zone speaks for it.
 *
 * - `decided`: whatever the zones say that have not answered, the outcome is the same
 * - `but-for-allow`: the score is reached, and only an allow zone that has not answered can undo it
 * - `open`: the block zones that have not answered still count
 *
 * Added up in the order of the zones, like the score of the result: rounding must not make a difference.
 */
export function decisionAt(stopAtScore: number, zones: readonly PendingZone[]): 'decided' | 'but-for-allow' | 'open' {
  let score = 0;
  let within = 0;
  let mayAllow = false;
  for (const { zone, result } of zones) {
    if (zone.kind === 'block') {
      score += result?.score ?? 0;
      within += result?.score ?? zone.maxScore;
    } else if (result === undefined) {
      mayAllow ||= zone.maxScore > 0;
    } else if (result.score > 0) {
      return 'decided';
    }
  }
  if (within < stopAtScore) return 'decided';
  if (score < stopAtScore) return 'open';
  return mayAllow ? 'but-for-allow' : 'decided';
}
