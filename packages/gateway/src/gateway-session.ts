import type { Awaitable, Finding, LoginAttempt, Path, Session, SmtpReply, TlsFacts } from '@postern/core';

/** The answer to DATA. */
export type DataAnswer =
  | { readonly kind: 'refused'; readonly reply: SmtpReply }
  | { readonly kind: 'ready'; readonly reply: SmtpReply; readonly message: MessageReceiver };

/** Takes the message behind DATA, without dot stuffing. Exactly one of `finish` and `abort` ends it. */
export interface MessageReceiver {
  /** Bytes so far. */
  readonly byteLength: number;
  /**
   * The next bytes. A promise is for back-pressure: await it before the next call, and leave the chunk alone until then. It
   * never rejects.
   */
  write(chunk: Uint8Array): void | Promise<void>;
  /** The client's final dot, and nothing else: whoever calls it vouches that the message is whole. Never rejects. */
  finish(): Promise<SmtpReply>;
  /** The message will not become whole. */
  abort(): void;
}

/**
 * One SMTP session as the gateway judges it, whatever the transport: the `smtp-server` adapter, another server's plugin
 * and tests drive it in the same way. Each command becomes a call, each call gives the reply: 2yz or 3yz to go on. A
 * reply is there at once when nothing had to be waited for, else it is a promise that never rejects.
 *
 * One call at a time: the transport waits for a reply before the next call. Only `close` may come at any moment.
 *
 * @example
 * ```ts
 * const session = gateway.session({
 *   client: { address: '192.0.2.1', port: 40_000 },
 *   local: { address: '198.51.100.1', port: 25 },
 * });
 * await session.connect(); // { code: 220, … }
 * await session.helo('client.example', true);
 * await session.mail(mailboxPath('a@client.example'));
 * await session.recipient(mailboxPath('b@example.org')); // { code: 550, enhanced: '5.7.1', … }
 * session.close();
 * ```
 */
export interface GatewaySession {
  readonly id: string;
  /** What checks see of the session. */
  readonly facts: Session;
  /** Whether some check judges logins: only then is AUTH worth offering. */
  readonly judgesLogins: boolean;
  /** The 421 that ended the session: the transport sends it and closes the connection. */
  readonly farewell: SmtpReply | undefined;
  /** The client has connected. Before the greeting; 220 is the greeting, 421 and 554 refuse the session. */
  connect(): Awaitable<SmtpReply>;
  /** HELO, or EHLO (`esmtp`): ends a transaction. The checks are asked when the name is another one than before. */
  helo(name: string, esmtp: boolean): Awaitable<SmtpReply>;
  /** TLS stands: what the client said before is forgotten (RFC 3207 §4.2), and a transaction is over. */
  startTls(tls: TlsFacts): void;
  /** AUTH, with everything that the mechanism asks for. 235 or a refusal. */
  authenticate(attempt: LoginAttempt): Awaitable<SmtpReply>;
  /** MAIL FROM: ends a transaction that is still open and begins one. */
  mail(reversePath: Path): Awaitable<SmtpReply>;
  /** RCPT TO. */
  recipient(path: Path): Awaitable<SmtpReply>;
  /** DATA. */
  data(): DataAnswer;
  /**
   * The transport refuses a command by itself: one that is unknown, malformed or out of order, and so is none of the calls
   * here. Gives the reply to tell: the same, or the 421 that ends the session.
   */
  commandRefused(reply: SmtpReply): Awaitable<SmtpReply>;
  /** RSET: ends a transaction. */
  reset(): void;
  /**
   * The connection is over. A transaction whose message the backend is being given is reported when that has ended.
   *
   * @param cause - what the transport knows about the end, for the report
   */
  close(cause?: Finding): void;
}
