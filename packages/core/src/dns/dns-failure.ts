import type { DnsFailure, DnsFailureReason } from './resolver.ts';

/** A frozen answer of kind `failure`. `detail` is one sentence for a person. */
export function dnsFailure(reason: DnsFailureReason, detail: string): DnsFailure {
  return Object.freeze({ kind: 'failure', reason, detail });
}
