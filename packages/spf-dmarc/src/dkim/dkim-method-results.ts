import type { MethodResult, ResultProperty } from '@postern/core';
import type { DkimSignatureResult } from './dkim-signature-result.ts';

/** RFC 6008 §4: as much of `b=` as tells the signatures of a message apart, and at least eight characters. */
const SHORTEST_PREFIX = 8;

/** A stranger's message may have a thousand signatures; what is written of them goes on with the message. */
const MOST_FAILURES = 20;

/**
 * Results as `Authentication-Results` has them (RFC 8601 §2.7.1, RFC 6008): one `dkim=` for each signature that passes, and
 * for the first 20 of the others that were looked at; `dkim=none` when there is no signature.
 */
export function dkimMethodResults(results: readonly DkimSignatureResult[]): readonly MethodResult[] {
  if (results.length === 0) return [{ method: 'dkim', result: 'none' }];
  let failures = 0;
  const told = results.filter(
    ({ result, reason }) => result === 'pass' || (reason !== 'skipped' && failures++ < MOST_FAILURES),
  );
  const length = prefixLength(told.map(({ signature }) => signature));
  return told.map((each) => {
    const properties: ResultProperty[] = [];
    const add = (property: string, value: string): void => {
      if (value !== '') properties.push({ ptype: 'header', property, value });
    };
    add('d', each.domain);
    add('i', each.identity);
    add('s', each.selector);
    add('a', each.algorithm);
    add('b', each.signature.slice(0, length));
    const reason = each.result === 'pass' ? {} : { reason: each.detail };
    return { method: 'dkim', result: each.result, ...reason, properties };
  });
}

/** Sorted, the two that have most in common stand side by side. */
function prefixLength(signatures: readonly string[]): number {
  const sorted = [...new Set(signatures)].sort();
  let length = SHORTEST_PREFIX;
  for (let at = 1; at < sorted.length; at++) {
    const one = sorted[at - 1] ?? '';
    const other = sorted[at] ?? '';
    let common = 0;
    while (common < one.length && one[common] === other[common]) common++;
    length = Math.max(length, common + 1);
  }
  return length;
}
