import type { MethodResult } from '@postern/core';
import type { SpfCheck, SpfEvaluation } from './spf-evaluation.ts';

/** One identity as a method result (RFC 8601 §2.7.2). */
function methodResult({ result, identity, sender, heloName, problem }: SpfEvaluation): MethodResult {
  const properties = [{ ptype: 'smtp', property: identity, value: identity === 'helo' ? heloName : sender }];
  if (problem === undefined || result === 'none') return { method: 'spf', result, properties };
  return { method: 'spf', result, reason: problem, properties };
}

/**
 * A check as it goes into Authentication-Results (RFC 8601 §2.7.2): the reverse-path's identity first, then that of HELO;
 * with a null reverse-path the latter alone, and without HELO the former.
 */
export function spfMethodResults(check: SpfCheck): readonly MethodResult[] {
  if (check.identity === 'helo') return [methodResult(check.helo)];
  return check.heloName === '' ? [methodResult(check)] : [methodResult(check), methodResult(check.helo)];
}
