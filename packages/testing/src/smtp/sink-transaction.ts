import type { SinkPath } from './sink-command.ts';

/** Who was connected. */
export interface SinkClient {
  readonly address: string;
  readonly port: number;
  /** What it called itself; `undefined` before HELO or EHLO. */
  readonly helo: string | undefined;
  readonly esmtp: boolean;
  readonly tls: boolean;
}

/** A recipient and the reply that it got. */
export interface SinkRecipient extends SinkPath {
  /** As it was sent: `250 2.1.5 Ok`. */
  readonly reply: string;
  /** The reply was 2yz. */
  readonly accepted: boolean;
}

/** One mail transaction as a sink saw it, complete or not. */
export interface SinkTransaction {
  readonly client: SinkClient;
  readonly reversePath: SinkPath;
  readonly recipients: readonly SinkRecipient[];
  /** DATA got its 354. */
  readonly dataStarted: boolean;
  /** The final dot came: from here on a sender must count on the message being delivered. */
  readonly finalDot: boolean;
  /** What came of the message, dots unstuffed; only with `finalDot` is it whole. Empty when it was longer than the sink takes. */
  readonly message: Buffer;
  /** The reply to the final dot as it was sent; `undefined` when there was none. */
  readonly reply: string | undefined;
  /** The final dot got a 2yz reply: the message is this server's now. */
  readonly accepted: boolean;
}
