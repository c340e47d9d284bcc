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
  const { result, policy, publishedPolicy } = facts;
  if (result !== 'fail' || policy === undefined) return noDisposition;
  const tested = policy === publishedPolicy ? [] : [testMode];
  const ruling = localPolicy?.rulingOn(facts, ip);
  if (ruling !== undefined) {
    const { disposition, override } = ruling;
    if (disposition === policy) return { disposition, overrides: tested };
    // What the owner is testing happens all the same: not the test mode is the reason, but the rule.
    return { disposition, overrides: disposition === publishedPolicy ? [override] : [...tested, override] };
  }
  const asked: DispositionReading = { disposition: policy, overrides: tested };
  if (policy !== 'reject' || onReject === 'reject') return asked;
  if (onReject === 'quarantine') return { disposition: 'quarantine', overrides: [notForPolicyAlone] };
  const disposition = onReject(show(asked));
  if (disposition !== 'none' && disposition !== 'quarantine' && disposition !== 'reject') {
    throw new TypeError('evaluateDmarc: option "onReject" must return "none", "quarantine" or "reject"');
  }
  return disposition === 'reject' ? asked : { disposition, overrides: [otherKnowledge] };
}

type DispositionFacts = Pick<DmarcEvaluation, 'result' | 'policy' | 'publishedPolicy' | 'authorDomain' | 'alignment'>;

const noDisposition: DispositionReading = Object.freeze({ disposition: 'none', overrides: Object.freeze([]) });
