import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { ReplyReader, type SmtpReply } from '@postern/core';

/** Where to connect to, and how. */
export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  readonly helo: string;
  /** With any certificate: what goes over the connection is no secret. */
  readonly tls: 'none' | 'starttls' | 'implicit';
  readonly tlsOptions: ConnectionOptions;
  /** Milliseconds for the connection, and for each reply. */
  readonly timeoutMs: number;
}

/** What the server said, or why it says nothing any more. */
export type Heard =
  | { readonly kind: 'reply'; readonly reply: SmtpReply }
  | { readonly kind: 'lost'; readonly detail: string };

/** A connection on which the server has said 250 to EHLO or HELO; or why there is none. */
export type OpenedProbe =
  | { readonly kind: 'open'; readonly connection: ProbeConnection }
  | { readonly kind: 'failed'; readonly detail: string; readonly reply: SmtpReply | undefined };

/**
 * One connection to a server that may be anything: each reply is bounded in size and time, and one that nobody asked for
 * ends it. Nothing rejects.
 */
export class ProbeConnection {
  readonly #target: ProbeTarget;
  #socket: Socket;
  #reader = new ReplyReader();
  #lost: string | undefined;
  /** Who waits for a reply, or for the handshake of TLS. */
  #wake: ((heard: Heard) => void) | undefined;
  readonly #onData = (chunk: Uint8Array): void => this.#read(chunk);

  private constructor(target: ProbeTarget) {
    const { host, port, tls } = target;
    this.#target = target;
    this.#socket = this.#watch(
      tls === 'implicit' ? connectTls({ ...this.#tlsOptions(), port, host }) : connect({ host, port }),
    );
    this.#socket.on('data', this.#onData);
  }

  /** Never rejects. The signal ends the connection, now or later. */
  static async open(target: ProbeTarget, signal: AbortSignal | undefined): Promise<OpenedProbe> {
    if (signal?.aborted) return { kind: 'failed', detail: 'it was told to stop', reply: undefined };
    const connection = new ProbeConnection(target);
    const onAbort = (): void => connection.#lose('it was told to stop');
    signal?.addEventListener('abort', onAbort);
    connection.#socket.once('close', () => signal?.removeEventListener('abort', onAbort));
    const refused = await connection.#greet();
    if (refused === undefined) return { kind: 'open', connection };
    connection.close();
    return refused.kind === 'lost'
      ? { kind: 'failed', detail: refused.detail, reply: undefined }
      : { kind: 'failed', detail: 'the server refused the session', reply: refused.reply };
  }

  /** The server's address, as the socket knows it. */
  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** @param line - without CRLF */
  command(line: string): Promise<Heard> {
    const heard = this.#expect();
    if (this.#lost === undefined) this.#socket.write(`${line}\r\n`);
    return heard;
  }

  /** Says good-bye; the server's answer is not waited for. */
  close(): void {
    if (this.#lost !== undefined) return;
    this.#socket.end('QUIT\r\n', () => this.#socket.destroy());
    this.#lost = 'it was closed';
  }

  /** Up to the reply to EHLO, or HELO of a server that does not know it; what it says instead. */
  async #greet(): Promise<Heard | undefined> {
    const greeting = await this.#expect();
    if (!isCode(greeting, 220)) return greeting;
    const hello = await this.#hello();
    if (hello !== undefined || this.#target.tls !== 'starttls') return hello;
    const ready = await this.command('STARTTLS');
    if (!isCode(ready, 220)) return ready;
    return (await this.#startTls()) ?? (await this.#hello());
  }

  async #hello(): Promise<Heard | undefined> {
    const ehlo = await this.command(`EHLO ${this.#target.helo}`);
    if (isCode(ehlo, 250)) return undefined;
    if (ehlo.kind === 'lost' || ehlo.reply.code === 421) return ehlo;
    const helo = await this.command(`HELO ${this.#target.helo}`);
    return isCode(helo, 250) ? undefined : helo;
  }

  async #startTls(): Promise<Heard | undefined> {
    const plain = this.#socket;
    plain.off('data', this.#onData);
    // RFC 3207 §4.2: what was said before counts for nothing.
    this.#reader = new ReplyReader();
    const secure = this.#watch(connectTls({ ...this.#tlsOptions(), socket: plain }));
    this.#socket = secure;
    const heard = this.#expect();
    secure.once('secureConnect', () => this.#tell({ kind: 'reply', reply: { code: 220, enhanced: '', text: '' } }));
    const established = await heard;
    if (established.kind === 'lost') return established;
    secure.on('data', this.#onData);
    return undefined;
  }

  #tlsOptions(): ConnectionOptions {
    const { host, tlsOptions } = this.#target;
    return { rejectUnauthorized: false, ...(isIP(host) === 0 && { servername: host }), ...tlsOptions };
  }

  #watch<T extends Socket>(socket: T): T {
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lose(error.code ?? 'the connection broke'));
    socket.on('end', () => this.#lose('the server hung up'));
    socket.on('close', () => this.#lose('the server hung up'));
    return socket;
  }

  #expect(): Promise<Heard> {
    if (this.#lost !== undefined) return Promise.resolve({ kind: 'lost', detail: this.#lost });
    const { timeoutMs } = this.#target;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#lose(`no reply within ${timeoutMs} ms`), timeoutMs).unref();
      this.#wake = (heard) => {
        clearTimeout(timer);
        resolve(heard);
      };
    });
  }

  #read(chunk: Uint8Array): void {
    if (this.#lost !== undefined) return;
    const replies = this.#reader.write(chunk);
    for (const reply of replies ?? []) {
      if (this.#wake === undefined) this.#lose('the server replied without being asked');
      this.#tell({ kind: 'reply', reply });
    }
    if (replies === undefined) this.#lose('what the server says is no SMTP');
  }

  #tell(heard: Heard): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(heard);
  }

  #lose(detail: string): void {
    this.#socket.destroy();
    if (this.#lost !== undefined) return;
    this.#lost = detail;
    this.#tell({ kind: 'lost', detail });
  }
}

function isCode(heard: Heard, code: number): boolean {
  return heard.kind === 'reply' && heard.reply.code === code;
}
