import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Segments } from './segments.ts';

/** So many bytes are gathered before they are written, and read at once. */
const BLOCK_BYTES = 64 * 1024;

/**
 * A temporary file without a name: created with `O_EXCL` and mode 0600 under a random name, and unlinked at once, so that
 * nobody else can open it and that nothing is left behind when the process dies. Not made before a block has gathered.
 */
export class SpoolFile {
  readonly #directory: string;
  #handle: FileHandle | undefined;
  /** Bytes in the file. */
  #written = 0;
  /** Behind them: what has not gathered to a block yet. */
  readonly #pending = new Segments();
  #flushing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Copies `chunk`. A promise is for back-pressure: it resolves when the disk has caught up, and rejects when the disk
   * fails, after which the file is of no more use. Whoever does not wait loses no order, only the bound on memory.
   */
  write(chunk: Uint8Array): void | Promise<void> {
    this.#pending.append(chunk);
    if (this.#flushing !== undefined) return this.#flushing;
    if (this.#pending.byteLength < BLOCK_BYTES) return;
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** All bytes from the first one, as often as it is called; fails when the disk fails or the file is closed. */
  async *read(): AsyncIterable<Uint8Array> {
    await this.#flushing;
    this.#assertOpen();
    const handle = this.#handle;
    const written = this.#written;
    const pending = this.#pending.parts();
    let position = 0;
    while (handle !== undefined && position < written) {
      const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, written - position));
      const { bytesRead } = await handle.read(block, 0, block.length, position);
      if (bytesRead === 0) throw new Error('The spool file is shorter than what was written to it.');
      position += bytesRead;
      yield block.subarray(0, bytesRead);
      this.#assertOpen();
    }
    yield* pending;
  }

  /** Frees the disk. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new Error('The spool file is closed.');
  }

  async #flush(): Promise<void> {
    this.#handle ??= await openUnlinked(this.#directory);
    while (this.#pending.byteLength >= BLOCK_BYTES) {
      const parts = this.#pending.parts();
      this.#pending.clear();
      for (const part of parts) await this.#writeAll(this.#handle, part);
    }
  }

  async #writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, this.#written);
      at += bytesWritten;
      this.#written += bytesWritten;
    }
  }

  async #close(): Promise<void> {
    // Its failure was its writer's to learn of.
    await this.#flushing?.catch(() => {});
    this.#pending.clear();
    await this.#handle?.close().catch(() => {});
  }
}

async function openUnlinked(directory: string): Promise<FileHandle> {
  const path = join(directory, `postern-${randomUUID()}.spool`);
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await unlink(path);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return handle;
}
