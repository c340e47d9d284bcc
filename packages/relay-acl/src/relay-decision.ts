import type { PermanentReply, TransientReply } from '@postern/core';
import type { DenyReason } from './deny-reason.ts';

interface DecisionFacts {
  /**
   * What decided: the domain pattern, the network, or the user, as the options or the session name it; the recipient's
   * domain when no pattern matched it or a lookup did; `''` when nothing of the kind was reached.
   */
  readonly matched: string;
  /** One or two sentences for a person. */
  readonly summary: string;
}

/** Mail to this recipient is for a mailbox of ours. `postmaster` is the bare one, without domain (RFC 5321 §4.1.1.3). */
export interface LocalDecision extends DecisionFacts {
  readonly decision: 'local';
  readonly reason: 'local-domain' | 'postmaster';
  readonly reply: undefined;
}

/** Mail to this recipient goes on elsewhere, and this client may send it there through us. */
export interface RelayedDecision extends DecisionFacts {
  readonly decision: 'relay';
  readonly reason: 'relay-domain' | 'authenticated' | 'trusted-network';
  readonly reply: undefined;
}

/** Not for this client, or for none. */
export interface DeniedDecision extends DecisionFacts {
  readonly decision: 'deny';
  readonly reason: DenyReason;
  /** 550 5.7.1 with the reason in words. */
  readonly reply: PermanentReply;
}

/** Not now: a lookup of domains threw, answered neither yes nor no, or not in time. Unknown is never a yes. */
export interface DeferredDecision extends DecisionFacts {
  readonly decision: 'deny';
  readonly reason: 'lookup-failed';
  /** 451 4.3.0 */
  readonly reply: TransientReply;
}

/** May this client send to this recipient through us, and why? */
export type RelayDecision = LocalDecision | RelayedDecision | DeniedDecision | DeferredDecision;
