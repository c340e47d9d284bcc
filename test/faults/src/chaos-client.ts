import { asMailData, type DriverReply, SmtpDriver, SmtpDriverError } from '@postern/testing';

/** A message with a mark by which it is found again. */
export interface ChaosMessage {
  readonly mark: string;
  /** Behind `Message-ID`. */
  readonly header: string;
  readonly lines: readonly string[];
  /** Behind each of the lines. */
  readonly newline: string;
  /** Bytes of a last line besides. */
  readonly filling: number;
}

/** Everything behind DATA, the final dot not among it; each character is one octet. */
export function bytesOf({ mark, header, lines, newline, filling }: ChaosMessage): Buffer {
  const body = lines.map((line) => line + newline).join('') + 'x'.repeat(filling);
  return Buffer.from(`Message-ID: <${mark}@client.example>\r\n${header}\r\n${body}\r\n`, 'latin1');
}

/** What a client sends at once, before it reads the replies. DATA may only be the last of the lines, for its message. */
export interface ChaosStep {
  readonly lines: readonly string[];
  readonly message?: ChaosMessage;
}

/** Where a client stops in the middle, and how. */
interface ChaosCut {
  /** In which step. */
  readonly step: number;
  /** Whether it is in the lines of the step, or in the message behind them. */
  readonly part: 'lines' | 'message';
  /** How much of that part is sent, from 0 to 1. */
  readonly share: number;
  readonly how: 'FIN' | 'RST';
}

/** What one client does. */
export interface ChaosScript {
  readonly steps: readonly ChaosStep[];
  readonly cut?: ChaosCut;
  /** Bytes that it sends at once. */
  readonly chunkBytes: number;
}

/** A message whose final dot was sent. */
interface SentMessage {
  readonly message: ChaosMessage;
  /** The recipients of its transaction that got a 250, as they were written. */
  readonly recipients: readonly string[];
  /** The reply to the final dot; `undefined` if the connection ended before it. */
  readonly reply: DriverReply | undefined;
}

/** What a client knows when it is gone. */
export interface ChaosAccount {
  /** Where it came from: no two clients come from the same address. */
  readonly address: string;
  readonly sent: readonly SentMessage[];
  /** Transactions that it saw begin. */
  readonly transactions: number;
  /** Transactions that may have begun besides: the client did not wait for the reply. */
  readonly maybeMore: number;
}

/** Carries a script out against the server on that port. It fails on what is no SMTP reply. */
export async function playScript(port: number, address: string, script: ChaosScript): Promise<ChaosAccount> {
  await using driver = await SmtpDriver.connect({ port, localAddress: address, timeoutMs: 15_000 });
  const player = new Player(driver, script);
  try {
    await player.play();
  } catch (error) {
    // The server hung up, or could not be written to any more.
    if (!(error instanceof SmtpDriverError && error.reason === 'closed') && !isGone(error)) throw error;
  }
  return { address, ...player.account };
}

function isGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED'].includes(String(error.code))
  );
}

class Player {
  readonly #driver: SmtpDriver;
  readonly #script: ChaosScript;
  readonly #sent: SentMessage[] = [];
  #recipients: string[] = [];
  #transactions = 0;
  #maybeMore = 0;

  constructor(driver: SmtpDriver, script: ChaosScript) {
    this.#driver = driver;
    this.#script = script;
  }

  get account(): Omit<ChaosAccount, 'address'> {
    return { sent: this.#sent, transactions: this.#transactions, maybeMore: this.#maybeMore };
  }

  async play(): Promise<void> {
    await this.#driver.reply();
    for (const [index, step] of this.#script.steps.entries()) {
      const cut = this.#script.cut?.step === index ? this.#script.cut : undefined;
      if (!(await this.#playStep(step, cut))) return;
    }
    this.#driver.end();
    await this.#driver.closed;
  }

  /** Whether the client is still there. */
  async #playStep({ lines, message }: ChaosStep, cut: ChaosCut | undefined): Promise<boolean> {
    const commands = message === undefined ? lines : [...lines, 'DATA'];
    this.#maybeMore = commands.filter((line) => line.startsWith('MAIL')).length;
    const bytes = Buffer.from(commands.map((line) => `${line}\r\n`).join(''));
    if (cut?.part === 'lines') return this.#leave(bytes, cut);
    await this.#send(bytes);
    let last = 0;
    for (const line of commands) {
      const reply = await this.#driver.reply();
      this.#note(line, reply);
      last = reply.code;
    }
    return message !== undefined && last === 354
      ? this.#sendMessage(message, cut)
      : cut === undefined || this.#leave(Buffer.alloc(0), cut);
  }

  async #sendMessage(message: ChaosMessage, cut: ChaosCut | undefined): Promise<boolean> {
    const data = asMailData(bytesOf(message));
    if (cut !== undefined && cut.share < 1) return this.#leave(data, cut);
    const recipients = this.#recipients;
    this.#recipients = [];
    let reply: DriverReply | undefined;
    try {
      if (cut !== undefined) return await this.#leave(data, cut);
      await this.#send(data);
      reply = await this.#driver.reply();
    } finally {
      this.#sent.push({ message, recipients, reply });
    }
    return true;
  }

  #note(line: string, { code, enhanced }: DriverReply): void {
    const verb = line.slice(0, 4);
    if (verb === 'MAIL') {
      this.#maybeMore -= 1;
      // Refused by the gateway, and not by smtp-server before it, it is a transaction all the same.
      if (code === 250 || enhanced !== undefined) this.#transactions += 1;
      if (code === 250) this.#recipients = [];
    } else if (verb === 'RCPT') {
      const address = line.slice('RCPT TO:<'.length, -1);
      if (code === 250 && !this.#recipients.includes(address)) this.#recipients.push(address);
    }
  }

  async #send(bytes: Buffer): Promise<void> {
    const { chunkBytes } = this.#script;
    for (let at = 0; at < bytes.length; at += chunkBytes) await this.#driver.send(bytes.subarray(at, at + chunkBytes));
  }

  async #leave(bytes: Buffer, { share, how }: ChaosCut): Promise<false> {
    await this.#send(bytes.subarray(0, Math.floor(share * bytes.length)));
    if (how === 'FIN') this.#driver.end();
    else this.#driver.reset();
    await this.#driver.closed;
    return false;
  }
}
