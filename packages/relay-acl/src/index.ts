/**
 * May this client send to this recipient through me?
 *
 * An open relay is a server that sends anyone's mail to anyone; it is found within hours and on every blocklist a day
 * later. {@link RelayAcl} decides for one recipient at a time: ours, to be sent on for this client, or denied, and knows
 * the tricks that make a careful server relay all the same. {@link relayAcl} is the same as a `Check` of a gateway.
 *
 * @module
 */
export { askBackend } from './ask-backend.ts';
export type { RelayAclHooks } from './check-settings.ts';
export type { DenyReason, RoutingTrick } from './deny-reason.ts';
export type { DomainList, DomainLookup, DomainSource } from './domain-source.ts';
export type { MailboxSetOptions } from './mailbox-set.ts';
export {
  type AcceptedPath,
  type ParsedPath,
  type ParsePathOptions,
  type PathFault,
  parsePath,
  type RefusedPath,
} from './parse-path.ts';
export { type ProbedTrick, type ProbeOptions, type ProbeResult, probeOpenRelay } from './probe-open-relay.ts';
export {
  type RecipientEntries,
  type RecipientLookup,
  type RecipientLookupOptions,
  recipientSet,
} from './recipient-set.ts';
export { type DecideOptions, type DecisionOf, RelayAcl, type RelayAclOptions, type RelayRequest } from './relay-acl.ts';
export { relayAcl } from './relay-acl-check.ts';
export type {
  DeferredDecision,
  DeniedDecision,
  LocalDecision,
  RelayDecision,
  RelayedDecision,
} from './relay-decision.ts';
export { type RelayTrick, relayTricks, type TrickNames } from './relay-trick.ts';
export { type RememberRecipientsOptions, rememberRecipients } from './remember-recipients.ts';
export { type SenderAddress, type SenderEntries, type SenderLookup, senderMap } from './sender-map.ts';
export type { NetworkList } from './trusted-networks.ts';
