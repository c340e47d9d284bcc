import type { Socket } from 'node:net';
import { ReplyReader, type SmtpReply } from '@postern/core';

/** Why a dialogue is over. `garbage`: the server sent what is no reply, or a reply that nobody had asked for. */
export type LossReason = 'closed' | 'timeout' | 'garbage' | 'given-up';

/** The dialogue is over: there is no reply, and there will be none. */
export interface Lost {
  readonly kind: 'lost';
  readonly reason: LossReason;
}

/** What the server said to a command. */
export type Heard = { readonly kind: 'reply'; readonly reply: SmtpReply } | Lost;

const QUIT_TIMEOUT_MS = 5_000;

/** A reply that is waited for. */
interface Expected {
  readonly resolve: (heard: Heard) => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Commands and replies over a socket on which an SMTP session is established: what was sent and what was answered is known
 * exactly at any time. Nothing rejects; each promise resolves with a reply or with the reason why there is none.
 */
export class SmtpDialogue {
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  readonly #expected: Expected[] = [];
  #lost: Lost | undefined;
  #onLost: (() => void) | undefined;
  /** Who waits for the socket to take more. */
  #drained: (() => void) | undefined;

  /** @param socket - nobody else reads from it */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#drain());
    socket.on('end', () => this.#lose('closed'));
    socket.on('close', () => this.#lose('closed'));
    socket.on('error', () => this.#lose('closed'));
    if (socket.destroyed) this.#lose('closed');
  }

  /** Why it is over; `undefined` while it lasts. */
  get lost(): Lost | undefined {
    return this.#lost;
  }

  /** Whether a reply is waited for. */
  get expecting(): boolean {
    return this.#expected.length > 0;
  }

  /** Calls `listener`, the only one, when the dialogue is lost; not if it is already. */
  onLost(listener: () => void): void {
    this.#onLost = listener;
  }

  /**
   * Sends commands in one go (RFC 2920; several only to a server that offers PIPELINING) and waits for a reply to each.
   *
   * @param lines - without CRLF; the caller made sure that there is none in them
   * @param timeoutMs - for all the replies together
   */
  async commands(lines: readonly string[], timeoutMs: number): Promise<readonly Heard[]> {
    const heard = lines.map(() => this.expect(timeoutMs));
    if (this.#lost === undefined) this.#socket.write(`${lines.join('\r\n')}\r\n`);
    return Promise.all(heard);
  }

  async command(line: string, timeoutMs: number): Promise<Heard> {
    const heard = this.expect(timeoutMs);
    if (this.#lost === undefined) this.#socket.write(`${line}\r\n`);
    return heard;
  }

  /**
   * Waits for the next reply that is not waited for yet.
   *
   * @param timeoutMs - absent: for as long as the dialogue lasts
   */
  expect(timeoutMs?: number): Promise<Heard> {
    if (this.#lost !== undefined) return Promise.resolve(this.#lost);
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : this.#timer(timeoutMs);
      this.#expected.push({ resolve, timer });
    });
  }

  /**
   * Sends bytes as they are.
   *
   * @param timeoutMs - how long the server may keep us waiting before it takes more
   * @returns a promise only for back-pressure; it resolves as well when the dialogue is lost meanwhile
   */
  send(bytes: Uint8Array, timeoutMs: number): void | Promise<void> {
    if (this.#lost !== undefined || this.#socket.write(bytes)) return;
    return new Promise((resolve) => {
      const timer = this.#timer(timeoutMs);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Sends the end of something in one packet. */
  sendLast(bytes: Uint8Array | undefined, end: Uint8Array): void {
    if (this.#lost !== undefined) return;
    this.#socket.cork();
    if (bytes !== undefined) this.#socket.write(bytes);
    this.#socket.write(end);
    this.#socket.uncork();
  }

  /** Whether the socket keeps the process alive: not while nobody waits for anything. */
  hold(held: boolean): void {
    if (held) this.#socket.ref();
    else this.#socket.unref();
  }

  /** QUIT; the server has a few seconds to hang up, for which the process does not wait. */
  quit(): void {
    if (this.#lost !== undefined) return;
    this.#lose('given-up');
    this.#socket.end('QUIT\r\n');
    this.hold(false);
    const timer = setTimeout(() => this.#socket.destroy(), QUIT_TIMEOUT_MS).unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** Ends the connection where it stands: what the server has not acknowledged, it does not get to see the end of. */
  destroy(reason: LossReason = 'given-up'): void {
    this.#socket.destroy();
    this.#lose(reason);
  }

  #timer(timeoutMs: number): NodeJS.Timeout {
    return setTimeout(() => this.destroy('timeout'), timeoutMs).unref();
  }

  #read(chunk: Buffer): void {
    if (this.#lost !== undefined) return;
    const replies = this.#reader.write(chunk);
    for (const reply of replies ?? []) {
      const expected = this.#expected.shift();
      if (expected === undefined) {
        // Most likely a 421 to say good-bye (RFC 5321 §3.8).
        this.destroy('garbage');
        return;
      }
      clearTimeout(expected.timer);
      expected.resolve({ kind: 'reply', reply });
    }
    if (replies === undefined) this.destroy('garbage');
  }

  #drain(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  #lose(reason: LossReason): void {
    if (this.#lost !== undefined) return;
    const lost: Lost = { kind: 'lost', reason };
    this.#lost = lost;
    for (const { resolve, timer } of this.#expected.splice(0)) {
      clearTimeout(timer);
      resolve(lost);
    }
    this.#drain();
    this.#onLost?.();
  }
}
