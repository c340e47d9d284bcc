import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { MailData } from './mail-data.ts';
import { readCommand, readPath, type SinkCommand, type SinkPath } from './sink-command.ts';
import type { SinkDeed, SinkFaultTable, SinkStage } from './sink-fault.ts';
import type { SinkClient, SinkRecipient, SinkTransaction } from './sink-transaction.ts';
import { SocketReader } from './socket-reader.ts';

/** What all sessions of a sink share. */
export interface SinkContext {
  readonly hostname: string;
  readonly extensions: readonly string[];
  readonly maxMessageBytes: number;
  readonly secureContext: SecureContext | undefined;
  /** Read anew at every step: a test may change it. */
  readonly faults: () => SinkFaultTable;
  readonly onCommand: (line: string) => void;
  readonly onTransaction: (transaction: SinkTransaction) => void;
}

/** RFC 5321 §4.5.3.1.4 says 512 with room for extensions; what is longer is no command. */
const LONGEST_LINE = 2_048;

/** How long an ended connection waits for the client to end its side too. */
const LINGER_MS = 1_000;

/** The connection is to end: nobody reads on. */
class Ended extends Error {}

interface OpenTransaction extends SinkTransaction {
  client: SinkClient;
  recipients: SinkRecipient[];
  dataStarted: boolean;
  finalDot: boolean;
  message: Buffer;
  reply: string | undefined;
  accepted: boolean;
}

/** One connection to a sink. */
export class SinkSession {
  readonly #context: SinkContext;
  readonly #tcp: Socket;
  readonly #reader: SocketReader;
  /** The client has ended its side. */
  readonly #gone: Promise<void>;
  #socket: Socket;
  #helo: string | undefined;
  #esmtp = false;
  #transaction: OpenTransaction | undefined;

  constructor(socket: Socket, context: SinkContext) {
    this.#context = context;
    this.#tcp = socket;
    this.#socket = socket;
    this.#reader = new SocketReader(socket);
    this.#gone = new Promise((resolve) => {
      socket.once('end', () => resolve()).once('close', () => resolve());
    });
  }

  /** Talks until one side ends. */
  async run(): Promise<void> {
    try {
      const code = await this.#reply('connect', '', `220 ${this.#context.hostname} ESMTP`);
      // RFC 5321 §3.1: after a 554 greeting the server waits for QUIT and takes nothing else.
      while (await this.#next(code !== 220)) {}
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
    } finally {
      this.#leave();
    }
  }

  async #next(onlyQuit: boolean): Promise<boolean> {
    const read = await this.#reader.line(LONGEST_LINE);
    if (read.kind === 'too-long') {
      await this.#write('500 5.5.2 Line too long');
      return false;
    }
    if (read.kind !== 'line') return false;
    const line = read.bytes.toString();
    this.#context.onCommand(line);
    const command = readCommand(line);
    if (onlyQuit && command.verb !== 'QUIT') await this.#write('503 5.5.1 Only QUIT');
    else await this.#command(command);
    return command.verb !== 'QUIT';
  }

  async #command(command: SinkCommand): Promise<void> {
    switch (command.verb) {
      case 'EHLO':
      case 'HELO':
        return this.#greet(command);
      case 'STARTTLS':
        return this.#startTls();
      case 'MAIL':
        return this.#mail(command);
      case 'RCPT':
        return this.#recipient(command);
      case 'DATA':
        return this.#data();
      case 'RSET':
        this.#transaction = undefined;
        return void (await this.#reply('rset', '', '250 2.0.0 Ok'));
      case 'NOOP':
        return void (await this.#reply('noop', '', '250 2.0.0 Ok'));
      case 'VRFY':
        return this.#write('252 2.5.2 Not verified');
      case 'QUIT':
        return void (await this.#reply('quit', '', '221 2.0.0 Bye'));
      default:
        return this.#write('500 5.5.2 Command not known');
    }
  }

  async #greet({ verb, argument }: SinkCommand): Promise<void> {
    if (argument === '') return this.#write(`501 5.5.4 ${verb} takes a name`);
    const { hostname, extensions, secureContext } = this.#context;
    const offered = secureContext !== undefined && !this.#isTls ? [...extensions, 'STARTTLS'] : extensions;
    const lines = verb === 'EHLO' ? [hostname, ...offered] : [hostname];
    const code = await this.#reply('helo', verb, `250 ${lines.join('\n')}`);
    if (code !== 250) return;
    this.#helo = argument;
    this.#esmtp = verb === 'EHLO';
    // RFC 5321 §4.1.4: EHLO is also RSET.
    this.#transaction = undefined;
  }

  async #startTls(): Promise<void> {
    const { secureContext } = this.#context;
    if (secureContext === undefined || this.#isTls) return this.#write('503 5.5.1 No TLS here');
    if ((await this.#reply('starttls', '', '220 2.0.0 Go ahead')) !== 220) return;
    // RFC 3207 §4.2: both sides forget what was said before, pipelined commands included.
    this.#reader.detach();
    this.#helo = undefined;
    this.#transaction = undefined;
    this.#socket = new TLSSocket(this.#tcp, { isServer: true, secureContext }).on('error', () => this.#tcp.destroy());
    this.#reader.attach(this.#socket);
  }

  async #mail({ argument }: SinkCommand): Promise<void> {
    if (this.#helo === undefined) return this.#write('503 5.5.1 HELO first');
    if (this.#transaction !== undefined) return this.#write('503 5.5.1 Nested MAIL');
    const path = readPath(argument, 'FROM:');
    if (path === undefined) return this.#write('501 5.5.4 Syntax: MAIL FROM:<address>');
    const refusal = this.#refuseParameters(path);
    const code = await this.#reply('mail', path.address, refusal ?? '250 2.1.0 Ok');
    if (Math.floor(code / 100) !== 2) return;
    this.#transaction = {
      client: this.#client,
      reversePath: path,
      recipients: [],
      dataStarted: false,
      finalDot: false,
      message: Buffer.alloc(0),
      reply: undefined,
      accepted: false,
    };
    this.#context.onTransaction(this.#transaction);
  }

  async #recipient({ argument }: SinkCommand): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.#write('503 5.5.1 MAIL first');
    const path = readPath(argument, 'TO:');
    if (path === undefined || path.address === '') return this.#write('501 5.5.4 Syntax: RCPT TO:<address>');
    const [parameter] = Object.keys(path.parameters);
    if (parameter !== undefined) return this.#write(`555 5.5.4 ${parameter} is not known here`);
    const isUnicode = /[^\0-\x7f]/.test(path.address);
    const refusal =
      isUnicode && !('SMTPUTF8' in transaction.reversePath.parameters) ? '553 5.6.7 SMTPUTF8 first' : undefined;
    const { code, text } = await this.#replyText('rcpt', path.address, refusal ?? '250 2.1.5 Ok');
    transaction.recipients.push({ ...path, reply: text, accepted: Math.floor(code / 100) === 2 });
  }

  async #data(): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.#write('503 5.5.1 MAIL first');
    // RFC 5321 §3.3: without a recipient there is nothing to send.
    if (!transaction.recipients.some(({ accepted }) => accepted)) return this.#write('554 5.5.1 No valid recipients');
    const code = await this.#reply('data', '', '354 End with <CRLF>.<CRLF>');
    if (code !== 354) return;
    transaction.dataStarted = true;

    const data = new MailData(this.#context.maxMessageBytes);
    try {
      await this.#body(data);
      transaction.finalDot = true;
    } finally {
      transaction.message = data.message;
    }
    this.#transaction = undefined;
    const verdict = data.isTooLong ? '552 5.3.4 Message too big' : '250 2.0.0 Ok';
    const { code: final, text } = await this.#replyText('dot', '', verdict);
    transaction.reply = text;
    transaction.accepted = Math.floor(final / 100) === 2;
  }

  async #body(data: MailData): Promise<void> {
    for (;;) {
      const chunk = await this.#reader.chunk();
      if (chunk === undefined) throw new Ended();
      const read = data.write(chunk);
      const { fault, delayMs } = this.#context.faults().strike('body', '', data.byteLength);
      await this.#wait(delayMs);
      if (fault !== undefined) await this.#end(fault.fault);
      if (read.done) {
        this.#reader.unread(read.rest);
        return;
      }
    }
  }

  /** RFC 5321 §4.1.1.11: parameters that the server did not offer are refused. */
  #refuseParameters({ address, parameters }: SinkPath): string | undefined {
    const offers = (keyword: string): boolean =>
      this.#esmtp && this.#context.extensions.some((extension) => extension.split(' ')[0]?.toUpperCase() === keyword);
    for (const [keyword, value] of Object.entries(parameters)) {
      const extension = keyword === 'BODY' ? '8BITMIME' : keyword;
      const known = ['SIZE', '8BITMIME', 'SMTPUTF8'].includes(extension);
      if (!known || !offers(extension)) return `555 5.5.4 ${keyword} is not known here`;
      if (keyword === 'BODY' && !/^(?:7BIT|8BITMIME)$/i.test(String(value))) return '501 5.5.4 BODY=7BIT or 8BITMIME';
      if (keyword === 'SIZE' && Number(value) > this.#context.maxMessageBytes) return '552 5.3.4 Message too big';
    }
    return /[^\0-\x7f]/.test(address) && !('SMTPUTF8' in parameters) ? '553 5.6.7 SMTPUTF8 first' : undefined;
  }

  get #isTls(): boolean {
    return this.#socket !== this.#tcp;
  }

  get #client(): SinkClient {
    const { remoteAddress = '', remotePort = 0 } = this.#tcp;
    return { address: remoteAddress, port: remotePort, helo: this.#helo, esmtp: this.#esmtp, tls: this.#isTls };
  }

  async #reply(stage: SinkStage, subject: string, byDefault: string): Promise<number> {
    return (await this.#replyText(stage, subject, byDefault)).code;
  }

  /** Replies, or does what the faults say. */
  async #replyText(stage: SinkStage, subject: string, byDefault: string): Promise<{ code: number; text: string }> {
    const { fault, delayMs } = this.#context.faults().strike(stage, subject);
    await this.#wait(delayMs);
    if (fault?.fault === 'raw') {
      this.#socket.write(fault.bytes);
      const code = /^[2-5]\d\d/.exec(fault.bytes)?.[0];
      return { code: Number(code ?? 0), text: fault.bytes };
    }
    if (fault !== undefined && fault.fault !== 'reply') return this.#end(fault.fault);
    const text = fault?.reply ?? byDefault;
    await this.#write(text);
    const code = Number(text.slice(0, 3));
    // RFC 5321 §3.8: after a 421 the server closes the connection.
    if (code === 421) throw new Ended();
    return { code, text };
  }

  async #write(reply: string): Promise<void> {
    const code = reply.slice(0, 3);
    const lines = reply.slice(4).split('\n');
    const last = lines.length - 1;
    this.#socket.write(lines.map((line, index) => `${code}${index < last ? '-' : ' '}${line}\r\n`).join(''));
  }

  async #end(how: SinkDeed['fault']): Promise<never> {
    if (how === 'reset') this.#tcp.resetAndDestroy();
    else if (how === 'hang') await this.#gone;
    throw new Ended();
  }

  /**
   * FIN, behind which what still comes is read and dropped for a while: a close with unread bytes would be RST, which can
   * overtake the last reply.
   */
  #leave(): void {
    this.#reader.detach();
    this.#socket.resume().end();
    const timer = setTimeout(() => this.#tcp.destroy(), LINGER_MS);
    this.#tcp.once('close', () => clearTimeout(timer));
  }

  async #wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([over, this.#gone]);
    clearTimeout(timer);
  }
}
