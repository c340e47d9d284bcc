/**
 * Does the client's name match its address and its HELO? Can the sender's domain receive mail?
 *
 * @module
 */

export { GENERIC_FROM_SCORE, type GenericName, judgeName, type NameEvidence } from './generic-name.ts';
export type { LookupOptions } from './lookup-options.ts';
export type { OwnHostOptions } from './own-host.ts';
export { type ReverseDnsOptions, reverseDns } from './reverse-dns-check.ts';
export type { ReverseDnsRule, RulePolicies, RulePolicy, RuleVerdict } from './reverse-dns-rule.ts';
export { type HeloFault, type HeloLookupOptions, type HeloResult, verifyHelo } from './verify-helo.ts';
export {
  type ForwardName,
  type ForwardStatus,
  type ReverseDnsLookupOptions,
  type ReverseDnsReason,
  type ReverseDnsResult,
  verifyReverseDns,
} from './verify-reverse-dns.ts';
export {
  type Exchange,
  type ExchangeStatus,
  type SenderDomainLookupOptions,
  type SenderDomainResult,
  type SenderDomainStatus,
  verifySenderDomain,
} from './verify-sender-domain.ts';
