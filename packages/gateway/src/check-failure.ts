import type { AnyOpinion, Check, Finding, Stage } from '@postern/core';

/** How a check failed: it threw, was later than the deadline, or answered something that is no opinion. */
export type CheckFailureReason = 'threw' | 'late' | 'rubbish';

/** The opinion that stands for a check that gave none: it is deferred, and the report says why. */
export function checkFailure(check: Check, stage: Stage, failure: CheckFailureReason, detail: string): AnyOpinion {
  const finding: Finding = {
    kind: 'gateway/check-failed',
    summary: `The check ${check.name} failed at ${stage}: ${detail}.`,
    failure,
    error: detail,
  };
  return {
    finding,
    verdict: 'defer',
    reply: { code: 451, enhanced: '4.3.0', text: 'A check could not be completed, please try again later' },
  };
}
