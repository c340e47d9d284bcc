import type { DnsAnswer, Resolver } from '@postern/core';
import type { CompiledZone } from './compiled-zone.ts';
import { judgeAnswer } from './judge-answer.ts';
import type { ZoneProbe } from './zone-probe.ts';
import type { ZoneUnknownReason } from './zone-result.ts';
import type { ZoneFault, ZoneProbeOutcome } from './zone-state.ts';

const PASS: ZoneProbeOutcome = Object.freeze({ outcome: 'pass', reason: undefined, testPoint: undefined });

/** The operator, or a resolver on the way, answers, and says that no query of ours will be served. */
const refusals: ReadonlySet<ZoneUnknownReason> = new Set<ZoneUnknownReason>([
  'open-resolver',
  'over-quota',
  'access-denied',
  'zone-name',
  'error-code',
  'rewritten',
  'reserved-code',
]);

/** In this order, one decides for all. */
const severities: readonly ((outcome: ZoneProbeOutcome) => boolean)[] = [
  ({ reason }) => reason === 'lists-everything',
  ({ outcome }) => outcome === 'fault',
  ({ outcome }) => outcome === 'silent',
];

function judgeProbe(zone: CompiledZone, { subject, mustBe }: ZoneProbe, answer: DnsAnswer<'A'>): ZoneProbeOutcome {
  const fault = (reason: ZoneFault): ZoneProbeOutcome => ({ outcome: 'fault', reason, testPoint: subject });
  const result = judgeAnswer(zone, answer, subject);
  if (result.status === 'skipped') return PASS;
  if (result.status === 'clean') return mustBe === 'listed' ? fault('test-point-missing') : PASS;
  const listed = mustBe === 'listed' ? PASS : fault('lists-everything');
  if (result.status === 'listed') return listed;
  const [reason] = result.reasons;
  // A list may answer its test points with a code of their own: it is there, and has its entry.
  if (reason === 'undocumented-code') return listed;
  return refusals.has(reason) ? fault(reason) : { outcome: 'silent', reason, testPoint: subject };
}

/**
 * Asks a zone about its test points, one after the other (a list may allow one query at a time), and past every cache. Never
 * rejects, provided that the resolver does not.
 *
 * @param resolver - with a deadline of its own
 */
export async function probeZone(zone: CompiledZone, resolver: Resolver): Promise<ZoneProbeOutcome> {
  const { suffix, shownSuffix } = zone;
  const outcomes: ZoneProbeOutcome[] = [];
  for (const probe of zone.probes) {
    // An answer of a minute ago says nothing of the list as it is now.
    const past = { fresh: true, staleMs: 0 };
    const how = shownSuffix === undefined ? past : { ...past, shownAs: probe.labels + shownSuffix };
    outcomes.push(judgeProbe(zone, probe, await resolver.resolve(probe.labels + suffix, 'A', how)));
  }
  for (const decides of severities) {
    const outcome = outcomes.find(decides);
    if (outcome !== undefined) return outcome;
  }
  return PASS;
}
