import type { DnsFailure } from '@postern/core';

/**
 * The answers of a `ZoneLimits` that lets no query out. Told by identity: caches and deadlines hand failures on as they
 * are, and whatever copies one leaves `refused`, which is no listing either.
 */
export const overBudget: DnsFailure = Object.freeze({
  kind: 'failure',
  reason: 'refused',
  detail: 'As many queries as its budget allows have been sent to the list.',
});
export const tooManyAtOnce: DnsFailure = Object.freeze({
  kind: 'failure',
  reason: 'refused',
  detail: 'As many queries as may be are waiting for an answer of the list.',
});

/** What a failure says of the limits; `undefined` if it came from DNS. */
export function limitReason(failure: DnsFailure): 'over-budget' | 'too-many-at-once' | undefined {
  if (failure === overBudget) return 'over-budget';
  return failure === tooManyAtOnce ? 'too-many-at-once' : undefined;
}
