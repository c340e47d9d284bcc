import type { MethodResult, ResultProperty } from '@postern/core';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';

/**
 * The evaluation as `Authentication-Results` writes it (RFC 8601 §2.7, RFC 9989 §9.1): `dmarc=fail header.from=example.com
 * policy.dmarc=reject`. The policy is what the owner asks for, after `sp`, `np` and `t` and before the receiver's own
 * decision.
 *
 * @example
 * ```ts
 * import { formatAuthenticationResults } from '@postern/core';
 * import { type DmarcEvaluation, dmarcMethodResult } from '@postern/spf-dmarc';
 *
 * function resultsField(dmarc: DmarcEvaluation): string {
 *   return formatAuthenticationResults({ authservId: 'mx.example.net', results: [dmarcMethodResult(dmarc)] });
 * }
 * ```
 */
export function dmarcMethodResult({ result, reason, summary, authorDomain, policy }: DmarcEvaluation): MethodResult {
  const properties: ResultProperty[] = [];
  if (authorDomain !== undefined) properties.push({ ptype: 'header', property: 'from', value: authorDomain });
  if (policy !== undefined) properties.push({ ptype: 'policy', property: 'dmarc', value: policy });
  const isPlain = reason === 'aligned' || reason === 'not-aligned' || reason === 'no-record';
  return { method: 'dmarc', result, ...(isPlain ? undefined : { reason: summary }), properties };
}
