/**
 * May this client send to this recipient through me?
 *
 * An open relay is a server that sends anyone's mail to anyone; it is found within hours and on every blocklist a day
 * later. {@link RelayAcl} decides for one recipient at a time: ours, to be sent on for this client, or denied, and knows
 * the tricks that make a careful server relay all the same. {@link relayAcl} is the same as a `Check` of a gateway.
 *
 * @module
 */
export type { DenyReason } from './deny-reason.ts';
export { RelayAcl, type RelayAclOptions, type RelayRequest } from './relay-acl.ts';
export { relayAcl } from './relay-acl-check.ts';
export type { DeniedDecision, LocalDecision, RelayDecision, RelayedDecision } from './relay-decision.ts';
