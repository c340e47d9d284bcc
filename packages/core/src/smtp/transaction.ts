import type { Path } from './path.ts';
import type { Session } from './session.ts';

/** One mail transaction (RFC 5321 §3.3): from MAIL FROM to the reply to the final dot, or to whatever ended it before. */
export interface Transaction {
  /** Unique among all transactions. */
  readonly id: string;
  readonly session: Session;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly reversePath: Path;
  /** The recipients accepted so far, in order. Grows while the client sends RCPT TO. */
  readonly recipients: readonly Path[];
}
