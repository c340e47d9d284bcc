import type { IpAddress } from '@postern/core';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import type { DmarcOverride } from './dmarc-override.ts';
import type { DmarcPolicy } from './dmarc-policy.ts';
import type { DmarcSettings } from './dmarc-settings.ts';

const testMode: DmarcOverride = Object.freeze({ type: 'policy_test_mode', comment: undefined });
const notForPolicyAlone: DmarcOverride = Object.freeze({
  type: 'local_policy',
  comment: 'Not rejected for the policy alone (RFC 9989 section 7.4).',
});
const otherKnowledge: DmarcOverride = Object.freeze({
  type: 'local_policy',
  comment: 'Decided by what else is known of the message (RFC 9989 section 7.4).',
});

/** What the receiver does, and why it is not what the owner published. */
export interface DispositionReading {
  readonly disposition: DmarcPolicy;
  readonly overrides: readonly DmarcOverride[];
}

/**
 * What becomes of a message (RFC 9989 §5.4): nothing unless it failed; then what a rule of the receiver says, else what the
 * owner asks for, else for `reject` what the option says.
 *
 * @param show - the evaluation as `onReject` is to see it
 */
export function decideDisposition(
  facts: DispositionFacts,
  ip: string | IpAddress | undefined,
  { onReject, localPolicy }: Pick<DmarcSettings, 'onReject' | 'localPolicy'>,
  show: (asked: DispositionReading) => DmarcEvaluation,
): DispositionReading {
  const { result, policy } = facts;
  if (result !== 'fail' || policy === undefined) return noDisposition;
  const ruling = localPolicy?.rulingOn(facts, ip);
  if (ruling !== undefined) {
    const { disposition, override } = ruling;
    return { disposition, overrides: overridesOf(facts, disposition, override) };
  }
  const asked: DispositionReading = { disposition: policy, overrides: testedBy(facts) };
  if (policy !== 'reject' || onReject === 'reject') return asked;
  if (onReject === 'quarantine') return { disposition: 'quarantine', overrides: [notForPolicyAlone] };
  const disposition = onReject(show(asked));
  if (disposition !== 'none' && disposition !== 'quarantine' && disposition !== 'reject') {
    throw new TypeError('evaluateDmarc: option "onReject" must return "none", "quarantine" or "reject"');
  }
  return disposition === 'reject' ? asked : { disposition, overrides: [otherKnowledge] };
}

/** Why what is asked for is not what the owner published: RFC 9989 §4.7, `t=y`. */
export function testedBy({ policy, publishedPolicy }: AskedPolicy): readonly DmarcOverride[] {
  return policy === publishedPolicy ? [] : [testMode];
}

/**
 * Why what is done is not what the owner published.
 *
 * @param reason - why it is not what the owner asks for, if it is not
 */
export function overridesOf(
  asked: AskedPolicy,
  disposition: DmarcPolicy,
  reason: DmarcOverride,
): readonly DmarcOverride[] {
  if (disposition === asked.policy) return testedBy(asked);
  // What the owner is testing happens all the same: not the test mode is why, but the reason given.
  return disposition === asked.publishedPolicy ? [reason] : [...testedBy(asked), reason];
}

type AskedPolicy = Pick<DmarcEvaluation, 'policy' | 'publishedPolicy'>;
type DispositionFacts = Pick<DmarcEvaluation, 'result' | 'policy' | 'publishedPolicy' | 'authorDomain' | 'alignment'>;

const noDisposition: DispositionReading = Object.freeze({ disposition: 'none', overrides: Object.freeze([]) });
