import type { Verdict } from '@postern/core';
import { overridesOf, testedBy } from '../dmarc/dmarc-disposition.ts';
import type { DmarcReason } from '../dmarc/dmarc-evaluation.ts';
import type { DmarcRuling } from '../dmarc/dmarc-local-policy.ts';
import type { DmarcOverride } from '../dmarc/dmarc-override.ts';
import type { DmarcPolicy } from '../dmarc/dmarc-policy.ts';
import { isSenderAction, type SenderAction } from './sender-action.ts';
import type { SenderFindings } from './sender-findings.ts';
import type { SenderDecision, SenderPolicy } from './sender-policy.ts';
import { badFromReply, dmarcDeferredReply, dmarcFailedReply, dmarcTemporaryReply } from './sender-reply.ts';

/** What DMARC leads to. */
export interface DmarcVerdict {
  readonly action: SenderAction;
  /** What is reported as done. */
  readonly disposition: DmarcPolicy;
  /** Why that is not what the owner asks for, when it is not. */
  readonly overrides: readonly DmarcOverride[];
}

/** RFC 9989 §11.5: who sends such a message may want no policy to be found. */
const badFrom: ReadonlySet<DmarcReason> = new Set([
  'no-from',
  'several-from',
  'several-author-domains',
  'bad-from',
  'bad-author-domain',
  'no-author-domain',
]);

const dispositions: Readonly<Record<SenderAction, DmarcPolicy>> = {
  ignore: 'none',
  quarantine: 'quarantine',
  // Nothing is done with a message that is to come again.
  defer: 'none',
  reject: 'reject',
};

/** Whether the message has no one author domain. */
function hasBadFrom({ dmarc }: SenderFindings): boolean {
  return badFrom.has(dmarc.reason);
}

/**
 * Facts and policy make a verdict. Throws what a function of the policy throws.
 *
 * @param ruling - what a rule of the receiver's own says of the message; it goes before what the owner asks for
 */
export async function judgeDmarc(
  findings: SenderFindings,
  policy: SenderPolicy,
  ruling: DmarcRuling | undefined,
): Promise<DmarcVerdict> {
  const { dmarc } = findings;
  if (dmarc.result === 'temperror') {
    // Whatever DNS would have said, nothing would be done.
    return without(ruling?.disposition === 'none' ? 'ignore' : policy.onDmarcTempError);
  }
  if (hasBadFrom(findings)) return without(policy.onBadFrom);
  if (dmarc.result !== 'fail') return without('ignore');
  if (ruling !== undefined) {
    const { disposition, override } = ruling;
    const action = disposition === 'none' ? 'ignore' : disposition;
    return { action, disposition, overrides: overridesOf(dmarc, disposition, override) };
  }
  const asked = dmarc.policy ?? 'none';
  if (asked === 'none') return { action: 'ignore', disposition: 'none', overrides: testedBy(dmarc) };
  const action = await decide(asked === 'reject' ? policy.onReject : policy.onQuarantine, findings);
  const disposition = dispositions[action];
  const comment = `${asked} is asked for, ${disposition} is done (RFC 9989 section 7.4)`;
  return { action, disposition, overrides: overridesOf(dmarc, disposition, { type: 'local_policy', comment }) };
}

function without(action: SenderAction): DmarcVerdict {
  return { action, disposition: dispositions[action], overrides: [] };
}

async function decide(decision: SenderDecision, findings: SenderFindings): Promise<SenderAction> {
  if (typeof decision !== 'function') return decision;
  const action: unknown = await decision(findings);
  // Rubbish is not silence: the gateway defers for what a check throws.
  if (!isSenderAction(action)) throw new TypeError('senderAuthentication: a policy function returned no action');
  return action;
}

/** The verdict with the reply that says why. */
export function verdictOf(action: SenderAction, findings: SenderFindings): Verdict {
  const { result, authorDomain } = findings.dmarc;
  switch (action) {
    case 'ignore':
      return {};
    case 'quarantine':
      return { verdict: 'quarantine' };
    case 'defer': {
      const reply = result === 'temperror' ? dmarcTemporaryReply(authorDomain) : dmarcDeferredReply(authorDomain);
      return { verdict: 'defer', reply };
    }
    case 'reject':
      return { verdict: 'reject', reply: hasBadFrom(findings) ? badFromReply : dmarcFailedReply(authorDomain) };
  }
}
