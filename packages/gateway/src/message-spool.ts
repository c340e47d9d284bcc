import { tmpdir } from 'node:os';
import { OptionReader, type PermanentReply, type TransientReply } from '@postern/core';
import { Segments, SpareSegments } from './segments.ts';
import { SpoolFile } from './spool-file.ts';

/** The bounds of a `SpoolSpace`. */
export interface SpoolSpaceOptions {
  /** Bytes of each message that stay in memory; what goes beyond goes to the disk. Default 131,072 (128 KiB). */
  readonly memoryBytes?: number;
  /** The most bytes that one message may have, its header included. Default 26,214,400 (25 MiB). */
  readonly maxMessageBytes?: number;
  /** The most bytes of all messages together, in memory and on disk. Default 1,073,741,824 (1 GiB). */
  readonly totalBytes?: number;
  /** Where the temporary files are made. Default `os.tmpdir()`. */
  readonly directory?: string;
}

/** Why a spool took no more. From then on it is empty, and what is written to it is dropped. */
export interface SpoolFailure {
  /** `too-large`: over `maxMessageBytes`. `full`: over `totalBytes`, or no room on the disk. `disk`: any other error of the disk. */
  readonly reason: 'too-large' | 'full' | 'disk';
  /** 552 5.3.4, 452 4.3.1 or 451 4.3.0 (RFC 3463 §3.4). */
  readonly reply: PermanentReply | TransientReply;
  /** One sentence for a person: the operator, not the client. */
  readonly detail: string;
}

interface Bounds {
  readonly memoryBytes: number;
  readonly maxMessageBytes: number;
  readonly totalBytes: number;
  readonly directory: string;
}

/** What the spools of a space share: the bytes that they hold together, and memory to hold them in. */
interface Account {
  usedBytes: number;
  readonly spare: SpareSegments;
}

/**
 * The room for messages that are on their way through: each in a `MessageSpool` of its own, all together within one bound.
 *
 * @example
 * ```ts
 * const space = new SpoolSpace({ totalBytes: 2 ** 28 });
 * await using spool = space.open();
 * for await (const chunk of message) await spool.write(chunk);
 * if (spool.failure === undefined) {
 *   for await (const chunk of spool.read()) socket.write(chunk);
 * }
 * ```
 */
export class SpoolSpace {
  readonly #bounds: Bounds;
  readonly #account: Account = { usedBytes: 0, spare: new SpareSegments() };

  constructor(options?: SpoolSpaceOptions) {
    const read = new OptionReader('SpoolSpace', options);
    this.#bounds = {
      memoryBytes: read.integer('memoryBytes', 128 * 1024, { min: 0 }),
      maxMessageBytes: read.integer('maxMessageBytes', 25 * 1024 * 1024, { min: 1 }),
      totalBytes: read.integer('totalBytes', 1024 ** 3, { min: 1 }),
      directory: read.text('directory', tmpdir()),
    };
    read.done();
  }

  /** Bytes of all messages in it. */
  get usedBytes(): number {
    return this.#account.usedBytes;
  }

  /** The most bytes that one message may have: what the SIZE extension announces (RFC 1870). */
  get maxMessageBytes(): number {
    return this.#bounds.maxMessageBytes;
  }

  /** Room for one message. It takes nothing before the first byte; whoever opens it calls `discard`. */
  open(): MessageSpool {
    return new MessageSpool(this.#bounds, this.#account);
  }
}

/** The bytes of one message until it is delivered or refused. Made by `SpoolSpace.open`. */
export class MessageSpool {
  readonly #bounds: Bounds;
  readonly #account: Account;
  readonly #memory: Segments;
  #file: SpoolFile | undefined;
  #byteLength = 0;
  /** Bytes that this message has in the account. */
  #charged = 0;
  #failure: SpoolFailure | undefined;
  #discarded = false;
  #freed: Promise<void> | undefined;

  constructor(bounds: Bounds, account: Account) {
    this.#bounds = bounds;
    this.#account = account;
    this.#memory = new Segments(account.spare);
  }

  /** Bytes written to it. */
  get byteLength(): number {
    return this.#byteLength;
  }

  get failure(): SpoolFailure | undefined {
    return this.#failure;
  }

  /** Counts bytes of the message that are kept elsewhere, its header, in both bounds. */
  charge(bytes: number): void {
    if (this.#discarded || this.#failure !== undefined) return;
    const { maxMessageBytes, totalBytes } = this.#bounds;
    if (this.#charged + bytes > maxMessageBytes) {
      this.#fail(tooLarge(maxMessageBytes));
    } else if (this.#account.usedBytes + bytes > totalBytes) {
      this.#fail(full(`The messages in the spool would be more than ${totalBytes} bytes.`));
    } else {
      this.#charged += bytes;
      this.#account.usedBytes += bytes;
    }
  }

  /**
   * Copies `chunk`: the caller may use it again at once, whatever is returned. A promise is for back-pressure alone, to be
   * awaited before the next `write`; it never rejects. Look at `failure` to learn what became of it.
   */
  write(chunk: Uint8Array): void | Promise<void> {
    this.charge(chunk.length);
    if (this.#discarded || this.#failure !== undefined) return;
    this.#byteLength += chunk.length;
    const room = this.#file === undefined ? this.#bounds.memoryBytes - this.#memory.byteLength : 0;
    if (chunk.length <= room) {
      this.#memory.append(chunk);
      return;
    }
    if (room > 0) this.#memory.append(chunk.subarray(0, room));
    this.#file ??= new SpoolFile(this.#bounds.directory);
    return this.#file.write(room > 0 ? chunk.subarray(room) : chunk)?.catch((error) => this.#fail(diskFailure(error)));
  }

  /**
   * Copies all its bytes to `target`, from `at` on, if none of them is on the disk; whether it did. To copy what has failed
   * or was discarded is a mistake, and throws.
   */
  copyTo(target: Uint8Array, at: number): boolean {
    this.#assertThere();
    if (this.#file !== undefined) return false;
    this.#memory.copyTo(target, at);
    return true;
  }

  /**
   * The bytes from the first one, as often as it is called, in chunks of up to 64 KiB: one chunk for a small message.
   * A failure of the disk makes it throw. To read what has failed or was discarded is a mistake, and throws as well; so
   * does to go on with it, since whoever still reads then must not take what he got for the whole message.
   */
  async *read(): AsyncIterable<Uint8Array> {
    const file = this.#file;
    const parts = this.#memory.parts();
    this.#assertThere();
    for (const part of parts) {
      yield part;
      this.#assertThere();
    }
    if (file !== undefined) yield* file.read();
  }

  /** Gives the memory and the disk back; resolves when the space has them. May be called again. */
  discard(): Promise<void> {
    this.#discarded = true;
    return this.#free();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.discard();
  }

  #assertThere(): void {
    if (this.#discarded || this.#failure !== undefined) throw new TypeError('MessageSpool: there is no message in it');
  }

  #fail(failure: SpoolFailure): void {
    this.#failure ??= failure;
    void this.#free();
  }

  #free(): Promise<void> {
    this.#freed ??= this.#release();
    return this.#freed;
  }

  async #release(): Promise<void> {
    this.#memory.clear();
    // Until the file is closed its bytes are on the disk, and stay in the account.
    if (this.#file !== undefined) await this.#file.close();
    this.#account.usedBytes -= this.#charged;
    this.#charged = 0;
  }
}

function tooLarge(maxMessageBytes: number): SpoolFailure {
  const text = `The message is larger than ${maxMessageBytes} bytes`;
  return { reason: 'too-large', reply: { code: 552, enhanced: '5.3.4', text }, detail: `${text}.` };
}

function full(detail: string): SpoolFailure {
  const text = 'There is no room for the message now; try again later';
  return { reason: 'full', reply: { code: 452, enhanced: '4.3.1', text }, detail };
}

function diskFailure(error: unknown): SpoolFailure {
  // The code alone: the message of the error would name a path.
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const detail = `The spool could not be written: ${code}.`;
  if (code === 'ENOSPC' || code === 'EDQUOT') return full(detail);
  const text = 'The message could not be stored; try again later';
  return { reason: 'disk', reply: { code: 451, enhanced: '4.3.0', text }, detail };
}
