import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { OptionReader } from '@postern/core';
import { type Certificate, isCertificate } from '../certificate.ts';
import { type SinkFaultRule, SinkFaultTable } from './sink-fault.ts';
import { SinkSession } from './sink-session.ts';
import type { SinkTransaction } from './sink-transaction.ts';

/** How an `SmtpSink` is started. */
export interface SmtpSinkOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** What it calls itself. Default `sink.test`. */
  readonly hostname?: string;
  /**
   * What EHLO offers. Default `PIPELINING`, `SIZE` with `maxMessageBytes`, `8BITMIME`, `SMTPUTF8`, `ENHANCEDSTATUSCODES`,
   * and `STARTTLS` if there is a certificate. Parameters of what is not offered are refused.
   */
  readonly extensions?: readonly string[];
  /** A longer message gets a 552. Default 10,485,760. */
  readonly maxMessageBytes?: number;
  /** Offers STARTTLS with this certificate. PEM. Default: none. */
  readonly tls?: Certificate;
  /** What it does wrong, and when. Default: nothing. */
  readonly faults?: readonly SinkFaultRule[];
}

/**
 * An SMTP server on loopback that takes every message, keeps it in memory, and misbehaves on demand: what a gateway
 * forwards to in a test.
 *
 * @example
 * ```ts
 * await using sink = await SmtpSink.start({
 *   faults: [{ stage: 'rcpt', match: 'full@example.org', fault: 'reply', reply: '452 4.2.2 Mailbox full' }],
 * });
 * // … send mail to 127.0.0.1:sink.port …
 * sink.messages[0]?.recipients; // with the reply that each one got
 * sink.setFaults([{ stage: 'dot', fault: 'close' }]); // gone after the final dot, before its reply
 * ```
 */
export class SmtpSink implements AsyncDisposable {
  readonly #host: string;
  readonly #port: number;
  readonly #server: Server;
  readonly #connections: Map<Socket, Promise<void>> = new Map();
  readonly #transactions: SinkTransaction[] = [];
  readonly #commands: string[] = [];
  #faults: SinkFaultTable;
  #connectionCount = 0;
  #closing: Promise<void> | undefined;

  private constructor(options: SmtpSinkOptions) {
    const read = new OptionReader('SmtpSink', options);
    this.#host = read.text('host', '127.0.0.1');
    this.#port = read.integer('port', 0, { min: 0, max: 65_535 });
    const maxMessageBytes = read.integer('maxMessageBytes', 10 * 1024 * 1024, { min: 1 });
    const tls = read.value('tls', isCertificate, 'an object with "key" and "cert", PEM');
    const byDefault = ['PIPELINING', `SIZE ${maxMessageBytes}`, '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'];
    this.#faults = new SinkFaultTable(read.value('faults', isFaults, 'an array of faults') ?? []);
    const context = {
      hostname: read.text('hostname', 'sink.test'),
      extensions: read.value('extensions', isTexts, 'an array of strings') ?? byDefault,
      maxMessageBytes,
      secureContext: tls && createSecureContext(tls),
      faults: () => this.#faults,
      onCommand: (line: string) => this.#commands.push(line),
      onTransaction: (transaction: SinkTransaction) => this.#transactions.push(transaction),
    };
    read.done();
    // Half-open: a client that has sent all and ended still gets its replies.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#connectionCount++;
      socket.on('error', () => {});
      // Not by `once` of node:events, which takes a broken connection for a failure.
      const closed = new Promise<void>((resolve) => {
        socket.on('close', () => {
          this.#connections.delete(socket);
          resolve();
        });
      });
      this.#connections.set(socket, closed);
      void new SinkSession(socket, context).run();
    });
  }

  static async start(options: SmtpSinkOptions = {}): Promise<SmtpSink> {
    const sink = new SmtpSink(options);
    sink.#server.listen(sink.#port, sink.#host);
    await once(sink.#server, 'listening');
    return sink;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('SmtpSink: it is closed');
    return address.port;
  }

  /** Every transaction from its MAIL on, complete or not, oldest first. */
  get transactions(): readonly SinkTransaction[] {
    return this.#transactions;
  }

  /** The transactions whose final dot got a 2yz reply, oldest first. */
  get messages(): readonly SinkTransaction[] {
    return this.#transactions.filter(({ accepted }) => accepted);
  }

  /** Every command line, oldest first. */
  get commands(): readonly string[] {
    return this.#commands;
  }

  /** How many connections there were. */
  get connections(): number {
    return this.#connectionCount;
  }

  /** Puts these faults in place of all others. */
  setFaults(faults: readonly SinkFaultRule[]): void {
    this.#faults = new SinkFaultTable(faults);
  }

  /** Forgets transactions, commands and the count of connections. */
  clear(): void {
    this.#transactions.length = 0;
    this.#commands.length = 0;
    this.#connectionCount = 0;
  }

  /** Resolves when no connection is open: what was sent by then has been seen. */
  async idle(): Promise<void> {
    while (this.#connections.size > 0) await Promise.all(this.#connections.values());
  }

  /** Stops at once; open connections are cut. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const socket of this.#connections.keys()) socket.destroy();
    await closed;
  }
}

function isFaults(value: unknown): value is readonly SinkFaultRule[] {
  return Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}
