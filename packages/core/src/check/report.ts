import type { Service, TlsFacts } from '../smtp/session.ts';
import type { SmtpReply } from '../smtp/smtp-reply.ts';
import type { Finding } from './finding.ts';

/** Where in the session an opinion was given. */
export type Stage = 'connect' | 'helo' | 'authenticate' | 'mail' | 'recipient' | 'message' | 'refusal';

/** One check's opinion as the gateway recorded it. */
export interface ReportedOpinion {
  /** The check's name. */
  readonly check: string;
  readonly stage: Stage;
  /** The recipient it speaks of, at stage `recipient`. */
  readonly recipient?: string;
  readonly finding: Finding;
  readonly verdict?: 'reject' | 'defer' | 'quarantine';
  /** Whether this very verdict decided a reply. */
  readonly enforced: boolean;
  readonly permit?: 'local' | 'relay';
  readonly score?: number;
  /** Milliseconds from the question to the answer. */
  readonly durationMs: number;
}

/** What became of one recipient. */
export interface ReportedRecipient {
  readonly address: string;
  readonly reply: SmtpReply;
  /** Which permission let it in, when something did. */
  readonly permit?: 'local' | 'relay';
}

/**
 * How it ended. `accepted` and `quarantined`: the backend has the message, and the client its 250, or it was gone before:
 * then the report has no `reply`, and the client will send the message again (RFC 1047). `unknown`: the
 * connection to the backend broke between the final dot and the reply, so that the message may have been delivered;
 * the client was told to try again. `aborted`: the client went away or gave up. `none`: a session without a transaction.
 */
export type Outcome = 'accepted' | 'quarantined' | 'rejected' | 'deferred' | 'aborted' | 'unknown' | 'none';

/**
 * What happened and why, as plain JSON: one per transaction, and one per session that ended without any. No secret
 * stands in it.
 */
export interface Report {
  readonly version: 1;
  readonly kind: 'transaction' | 'session';
  /** The transaction's id, or the session's. */
  readonly id: string;
  readonly session: {
    readonly id: string;
    readonly service: Service;
    readonly client: { readonly address: string; readonly port: number };
    readonly helo?: string;
    readonly tls?: TlsFacts;
    readonly user?: string;
    readonly trusted: boolean;
    readonly startedAt: number;
  };
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** `''` is the null reverse-path; absent without a transaction. */
  readonly reversePath?: string;
  readonly recipients: readonly ReportedRecipient[];
  readonly opinions: readonly ReportedOpinion[];
  readonly score: number;
  readonly outcome: Outcome;
  /** The reply that decided, as the client got it; absent when the client was gone before. */
  readonly reply?: SmtpReply;
  readonly message?: { readonly bytes: number; readonly messageId?: string };
}
