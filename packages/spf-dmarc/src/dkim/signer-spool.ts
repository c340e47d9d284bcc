import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** So many bytes are written and read at once. */
const BLOCK_BYTES = 64 * 1024;

/**
 * The files of spools that nobody closed: their streams were neither read to the end nor destroyed. A handle that is
 * collected before it is closed ends the process from Node 25 on; held here, it outlives its spool, and is closed then.
 */
const abandoned = new FinalizationRegistry<FileHandle>((handle) => {
  handle.close().catch(() => {});
});

/**
 * Holds a message until it is signed: in memory up to a bound; beyond it in a temporary file of mode 0600 that has no name
 * any more once it is open, so that nobody else can read it and nothing is left behind when the process dies.
 */
export class SignerSpool {
  readonly #memoryBytes: number;
  readonly #directory: string;
  #blocks: Buffer[] = [];
  /** Bytes of the last block in use. */
  #filled = BLOCK_BYTES;
  #handle: FileHandle | undefined;
  #written = 0;
  #flushing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(memoryBytes: number, directory: string) {
    this.#memoryBytes = memoryBytes;
    this.#directory = directory;
  }

  /** Copies the chunk. To be awaited before the next one; rejects when the disk fails. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      if (this.#filled === BLOCK_BYTES) {
        if (this.#blocks.length > 0 && (this.#blocks.length + 1) * BLOCK_BYTES > this.#memoryBytes) {
          this.#flushing = this.#flush();
          await this.#flushing;
        }
        this.#blocks.push(Buffer.allocUnsafeSlow(BLOCK_BYTES));
        this.#filled = 0;
      }
      const part = chunk.subarray(from, from + BLOCK_BYTES - this.#filled);
      this.#blocks.at(-1)?.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
    }
  }

  /** All that was written, from the first byte, in chunks of up to 64 KiB. Rejects when the disk fails. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let position = 0; position < this.#written; ) {
      const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, this.#written - position));
      const { bytesRead = 0 } = (await this.#handle?.read(block, 0, block.length, position)) ?? {};
      if (bytesRead === 0) throw new Error('DkimSigner: the temporary file is shorter than what was written to it');
      position += bytesRead;
      yield block.subarray(0, bytesRead);
    }
    for (const [at, block] of this.#blocks.entries()) {
      yield at + 1 < this.#blocks.length ? block : block.subarray(0, this.#filled);
    }
  }

  /** Frees memory and disk. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #flush(): Promise<void> {
    if (this.#handle === undefined) {
      this.#handle = await openUnnamed(this.#directory);
      abandoned.register(this, this.#handle, this);
    }
    for (const block of this.#blocks) {
      for (let from = 0; from < block.length; ) {
        const { bytesWritten } = await this.#handle.write(block, from, block.length - from, this.#written);
        from += bytesWritten;
        this.#written += bytesWritten;
      }
    }
    this.#blocks = [];
  }

  async #close(): Promise<void> {
    // Its failure was its writer's to learn of.
    await this.#flushing?.catch(() => {});
    this.#blocks = [];
    abandoned.unregister(this);
    await this.#handle?.close();
  }
}

async function openUnnamed(directory: string): Promise<FileHandle> {
  const path = join(directory, `postern-${randomUUID()}.dkim`);
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await unlink(path);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return handle;
}
