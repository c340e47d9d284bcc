import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { OptionReader } from '@postern/core';
import { SocketReader } from './socket-reader.ts';

/** Where the driver connects to. */
export interface SmtpDriverOptions {
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** The address to come from: on Linux all of 127.0.0.0/8 is this machine, so that a test can be many clients. */
  readonly localAddress?: string;
  /** TLS from the first byte (RFC 8314 §3), with these options. Default: none. */
  readonly tls?: ConnectionOptions;
  /** The longest wait for a connection, a reply or a handshake. Default 5,000. */
  readonly timeoutMs?: number;
}

/** An SMTP reply as it was read. */
export interface DriverReply {
  readonly code: number;
  /** The text of each line, behind the code. */
  readonly lines: readonly string[];
  /** All lines, a line feed between them. */
  readonly text: string;
  /** The enhanced status code (RFC 3463) that the text starts with. */
  readonly enhanced: string | undefined;
}

/** Why there is no reply: the time is up, the server is gone, or what it said is no reply. */
export class SmtpDriverError extends Error {
  override readonly name = 'SmtpDriverError';
  readonly reason: 'timeout' | 'closed' | 'malformed';

  constructor(reason: 'timeout' | 'closed' | 'malformed', message: string) {
    super(message);
    this.reason = reason;
  }
}

/** How a connection ended: with FIN, or with RST. */
export type Ending = 'end' | 'reset';

/** RFC 5321 §4.5.3.1.5 allows 512; what is much longer is no reply line any more. */
const LONGEST_LINE = 4_096;
const MOST_LINES = 1_000;

/**
 * An SMTP client that does exactly what a test says, and nothing else: it sends bytes as they are, at the pace and in
 * the pieces that the test wants, and leaves when and how the test wants. It believes nothing that is not a reply.
 *
 * @example
 * ```ts
 * await using client = await SmtpDriver.connect({ port: 2525 });
 * await client.reply(); // { code: 220, … }
 * await client.command('EHLO client.example');
 * await client.send('MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n'); // pipelined
 * const replies = [await client.reply(), await client.reply()];
 * client.reset(); // gone, without a word
 * ```
 */
export class SmtpDriver implements AsyncDisposable {
  readonly #timeoutMs: number;
  readonly #reader: SocketReader;
  readonly #tcp: Socket;
  #socket: Socket;
  #ending: Ending = 'end';
  readonly #onError = ({ code }: NodeJS.ErrnoException): void => {
    if (code === 'ECONNRESET' || code === 'EPIPE') this.#ending = 'reset';
  };
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<Ending>;

  private constructor(tcp: Socket, timeoutMs: number) {
    this.#tcp = tcp;
    this.#socket = tcp;
    this.#timeoutMs = timeoutMs;
    this.#reader = new SocketReader(tcp);
    tcp.on('error', this.#onError);
    this.closed = new Promise((resolve) => {
      tcp.on('close', () => resolve(this.#ending));
    });
  }

  /** Connects. The greeting is not read yet: `reply()` does. */
  static async connect(options: SmtpDriverOptions): Promise<SmtpDriver> {
    const read = new OptionReader('SmtpDriver', options);
    const port = read.integer('port', 0, { min: 1, max: 65_535 });
    const host = read.text('host', '127.0.0.1');
    const localAddress = read.value('localAddress', isText, 'an address');
    const tls = read.value('tls', isObject, 'options of node:tls');
    const timeoutMs = read.integer('timeoutMs', 5_000, { min: 1 });
    read.done();
    const tcp = connectTcp({ port, host, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) });
    try {
      await once(tcp, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      tcp.destroy();
      throw error;
    }
    const driver = new SmtpDriver(tcp, timeoutMs);
    if (tls !== undefined) await driver.upgrade(tls);
    return driver;
  }

  /** The port that this client comes from, by which a server's log can be searched. */
  get localPort(): number | undefined {
    return this.#tcp.localPort;
  }

  /** The TLS connection, once there is one: its certificate, protocol and cipher. */
  get tls(): TLSSocket | undefined {
    return isTls(this.#socket) ? this.#socket : undefined;
  }

  /** Reads one reply of any number of lines. Rejects with `SmtpDriverError`. */
  async reply(timeoutMs: number = this.#timeoutMs): Promise<DriverReply> {
    const lines: string[] = [];
    let code: string | undefined;
    for (;;) {
      const line = await this.#line(timeoutMs);
      const parsed = /^([2-5]\d\d)(?:([ -])([^\r\n]*))?$/.exec(line);
      if (parsed === null) throw malformed(line);
      const [, lineCode, separator, text = ''] = parsed;
      code ??= lineCode;
      // RFC 5321 §4.2.1: the code is the same in every line.
      if (lineCode !== code || lines.push(text) > MOST_LINES) throw malformed(line);
      if (separator !== '-') break;
    }
    const enhanced = /^[245]\.\d{1,3}\.\d{1,3}(?= |$)/.exec(lines[0] ?? '')?.[0];
    return { code: Number(code), lines, text: lines.join('\n'), enhanced };
  }

  /** Sends these bytes and adds nothing; text goes as UTF-8. Resolves when the system has them, rejects when it cannot. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Sends a line, to which it adds CRLF, and reads the reply. */
  async command(line: string): Promise<DriverReply> {
    await this.send(`${line}\r\n`);
    return this.reply();
  }

  /**
   * Sends DATA and, if the server wants it, the message: dots doubled (RFC 5321 §4.5.2), the last line ended, the final
   * dot behind it. The bytes are otherwise sent as they are, bare line feeds included.
   */
  async data(message: string | Uint8Array): Promise<DriverReply> {
    const goAhead = await this.command('DATA');
    if (goAhead.code !== 354) return goAhead;
    await this.send(asMailData(message));
    return this.reply();
  }

  /**
   * Sends so many bytes, every so many milliseconds. Resolves to how many were sent: fewer than all if the connection
   * ended before.
   */
  async slow(bytes: string | Uint8Array, everyMs: number, bytesAtOnce: number = 1): Promise<number> {
    const all = Buffer.from(bytes);
    for (let sent = 0; sent < all.length; sent += bytesAtOnce) {
      if (!this.#socket.writable) return sent;
      this.#socket.write(all.subarray(sent, sent + bytesAtOnce));
      await this.#pause(everyMs);
    }
    return all.length;
  }

  /** Sends STARTTLS and, after a 220, negotiates TLS. Certificates are not verified unless the options say so. */
  async startTls(options: ConnectionOptions = {}): Promise<DriverReply> {
    const reply = await this.command('STARTTLS');
    if (reply.code === 220) await this.upgrade(options);
    return reply;
  }

  /** Negotiates TLS now, whatever was said before. */
  async upgrade(options: ConnectionOptions = {}): Promise<void> {
    this.#reader.detach();
    const tls = connectTls({ rejectUnauthorized: false, ...options, socket: this.#tcp });
    tls.on('error', this.#onError);
    this.#socket = tls;
    this.#reader.attach(tls);
    try {
      await once(tls, 'secureConnect', { signal: AbortSignal.timeout(this.#timeoutMs) });
    } catch (error) {
      this.#tcp.destroy();
      throw error;
    }
  }

  /** Ends our side with FIN (under TLS: close_notify first). What the server still says can be read. */
  end(): void {
    this.#socket.end();
  }

  /** Breaks the connection with RST: what is on its way may be lost, in both directions. */
  reset(): void {
    this.#tcp.resetAndDestroy();
  }

  /** Leaves at once, without QUIT. */
  async close(): Promise<void> {
    this.#socket.destroy();
    this.#tcp.destroy();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #line(timeoutMs: number): Promise<string> {
    const read = await this.#reader.line(LONGEST_LINE, timeoutMs);
    switch (read.kind) {
      case 'line':
        return read.bytes.toString();
      case 'timeout':
        throw new SmtpDriverError('timeout', `no reply within ${timeoutMs} ms`);
      case 'end':
        throw new SmtpDriverError('closed', 'the connection ended before a reply');
      case 'too-long':
        throw new SmtpDriverError('malformed', `a reply line has more than ${LONGEST_LINE} octets`);
    }
  }

  /** Ends early when the connection does. */
  async #pause(ms: number): Promise<void> {
    const over = new AbortController();
    const timer = new Promise<void>((resolve) => {
      const handle = setTimeout(resolve, ms);
      over.signal.addEventListener('abort', () => clearTimeout(handle));
    });
    await Promise.race([timer, this.closed]);
    over.abort();
  }
}

/** A message as it stands between DATA and its reply: dots doubled, the final dot behind it (RFC 5321 §4.5.2). */
export function asMailData(message: string | Uint8Array): Buffer {
  const text = Buffer.from(message).toString('latin1');
  const stuffed = text.replaceAll('\r\n.', '\r\n..');
  const start = stuffed.startsWith('.') ? '.' : '';
  const end = stuffed === '' || stuffed.endsWith('\r\n') ? '.\r\n' : '\r\n.\r\n';
  return Buffer.from(start + stuffed + end, 'latin1');
}

function isTls(socket: Socket): socket is TLSSocket {
  return 'encrypted' in socket;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function malformed(line: string): SmtpDriverError {
  return new SmtpDriverError('malformed', `not an SMTP reply: ${JSON.stringify(line.slice(0, 200))}`);
}
