import type { Awaitable } from '../awaitable.ts';
import type { Path } from '../smtp/path.ts';
import type { SmtpReply } from '../smtp/smtp-reply.ts';
import type { Transaction } from '../smtp/transaction.ts';

/** Where accepted mail goes. A backend that cannot be reached rejects or answers 4yz: either way the client keeps the message. */
export interface Backend {
  /** Called at the first recipient that the checks let in. */
  begin(transaction: Transaction): Awaitable<Delivery>;
}

/** One transaction with the backend. */
export interface Delivery {
  /** Asked during RCPT TO, so that the backend's refusal of one recipient is the client's reply. */
  recipient(path: Path): Promise<SmtpReply>;
  /**
   * The message as it goes on, complete: called only after the client's final dot and every check's consent.
   * The result decides the client's reply.
   */
  message(bytes: AsyncIterable<Uint8Array>): Promise<DeliveryResult>;
  /** The transaction ended before the message was complete. Called at most once, and never after `message`. */
  abort(): void;
}

/**
 * `delivered`: the backend answered 2yz. `refused`: it answered otherwise, or it is certain that it does not have the
 * message. `unknown`: the connection broke after the final dot and before the reply.
 */
export interface DeliveryResult {
  readonly outcome: 'delivered' | 'refused' | 'unknown';
  readonly reply: SmtpReply;
}
