import type { Socket } from 'node:net';

/** What waiting for a line came to. */
export type LineRead =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'end' | 'timeout' | 'too-long' };

/** A socket is paused when so many bytes wait for their reader. */
const MOST_PENDING_BYTES = 1024 * 1024;
const EMPTY: Buffer = Buffer.alloc(0);
const CRLF = '\r\n';

/** Reads a socket piece by piece, in the reader's own time. It has one reader at a time. */
export class SocketReader {
  #socket: Socket;
  #pending: Buffer = EMPTY;
  #ended = false;
  #wake: (() => void) | undefined;
  readonly #onData = (chunk: Buffer): void => {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (this.#pending.length > MOST_PENDING_BYTES) this.#socket.pause();
    this.#wake?.();
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    this.attach(socket);
  }

  /** Lets go of the socket, so that TLS can take it over. What was read and not asked for is dropped (RFC 3207 §4.2). */
  detach(): void {
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.#pending = EMPTY;
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onEnd);
  }

  /** The next line without its CRLF. Without `timeoutMs` it waits until one comes or the other side ends. */
  async line(longest: number, timeoutMs?: number): Promise<LineRead> {
    const deadline = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    for (;;) {
      const end = this.#pending.indexOf(CRLF);
      if (end > longest || (end < 0 && this.#pending.length > longest)) return { kind: 'too-long' };
      if (end >= 0) {
        const bytes = this.#pending.subarray(0, end);
        this.#consume(end + CRLF.length);
        return { kind: 'line', bytes };
      }
      if (this.#ended) return { kind: 'end' };
      if (!(await this.#more(deadline))) return { kind: 'timeout' };
    }
  }

  /** Whatever is there, as soon as something is; `undefined` when the other side has ended. */
  async chunk(): Promise<Buffer | undefined> {
    while (this.#pending.length === 0 && !this.#ended) await this.#more(undefined);
    const bytes = this.#pending;
    this.#consume(bytes.length);
    return bytes.length > 0 ? bytes : undefined;
  }

  /** Puts back what was read too much. */
  unread(bytes: Buffer): void {
    this.#pending = Buffer.concat([bytes, this.#pending]);
  }

  #consume(bytes: number): void {
    this.#pending = this.#pending.subarray(bytes);
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Whether something happened before the deadline. */
  #more(deadline: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const timer =
        deadline === undefined
          ? undefined
          : setTimeout(
              () => {
                this.#wake = undefined;
                resolve(false);
              },
              Math.max(0, deadline - performance.now()),
            );
      this.#wake = () => {
        this.#wake = undefined;
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
