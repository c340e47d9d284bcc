import { rm } from 'node:fs/promises';
import { BanJournalError } from './ban-journal-error.ts';
import { isNodeError } from './is-node-error.ts';
import { type JournalDisk, type JournalHandle, writeAll } from './journal-disk.ts';
import { HEADER } from './journal-line.ts';
import { completeLines, type FileLine } from './journal-lines.ts';

/** What `JournalFile.open` found besides complete lines. */
export interface OpenedFile {
  readonly file: JournalFile;
  /** Bytes behind the last line feed, which were cut off: of a line that a crash tore. */
  readonly tornBytes: number;
}

/**
 * The file of a journal: a header and complete lines, and never anything else before `append` or `replaceBy` resolves.
 * Calls follow one another; who calls sees to that.
 */
export class JournalFile {
  readonly path: string;
  readonly #disk: JournalDisk;
  #handle: JournalHandle;
  /** Up to here all is written and on the disk; what stands behind is of an append that failed. */
  #length: number;
  #hasRemains = false;
  #folderIsSynced = false;

  private constructor(path: string, disk: JournalDisk, handle: JournalHandle, length: number) {
    this.path = path;
    this.#disk = disk;
    this.#handle = handle;
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  /**
   * Opens the file, or makes it; hands over its lines behind the header, and cuts off what follows the last of them.
   *
   * @throws BanJournalError `not-a-journal`, and whatever the disk throws
   */
  static async open(
    path: string,
    disk: JournalDisk,
    onLines: (lines: readonly FileLine[]) => void,
    signal?: AbortSignal,
  ): Promise<OpenedFile> {
    const handle = await openOrCreate(path, disk);
    try {
      if (!(await handle.stat()).isFile()) throw notAJournal(path);
      const start = Buffer.alloc(HEADER.length);
      const { bytesRead } = await handle.read(start, 0, HEADER.length, 0);
      // A crash may have torn the header itself.
      if (!HEADER.startsWith(start.toString('latin1', 0, bytesRead))) throw notAJournal(path);
      // What a crash left of a rewriting that had not come to its end; not before it is known that the file is a journal.
      await rm(draftOf(path), { force: true });
      let length = 0;
      for await (const lines of completeLines(handle, signal)) {
        onLines(length === 0 ? lines.slice(1) : lines);
        length = lines.at(-1)?.end ?? length;
      }
      const tornBytes = (await handle.stat()).size - length;
      const file = new JournalFile(path, disk, handle, length);
      if (tornBytes > 0) await handle.truncate(length);
      if (length === 0) await file.append(HEADER);
      else if (tornBytes > 0) await handle.datasync();
      return { file, tornBytes };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Resolves when the lines are on the disk. When it rejects, the file is what it was before. */
  async append(lines: string): Promise<void> {
    if (!this.#folderIsSynced) await this.#syncFolder();
    if (this.#hasRemains) await this.#cutRemains();
    this.#hasRemains = true;
    let written: number;
    try {
      written = await writeAll(this.#handle, lines, this.#length);
      await this.#handle.datasync();
    } catch (error) {
      // At once if that can be, else before the next append: behind shorter lines the rest of these would remain.
      await this.#cutRemains().catch(() => undefined);
      throw error;
    }
    this.#hasRemains = false;
    this.#length += written;
  }

  /** Begins a new file, which `replaceBy` is to put in the place of this one. */
  async draft(): Promise<JournalDraft> {
    const path = draftOf(this.path);
    await rm(path, { force: true });
    const draft = new JournalDraft(path, await this.#disk.open(path, 'wx'));
    try {
      await draft.write(HEADER);
      return draft;
    } catch (error) {
      await draft.discard();
      throw error;
    }
  }

  /**
   * Puts the draft in the place of the file, in one step: after a crash there is the old one or the new one, whole. When it
   * rejects before that step, the old one is still there.
   */
  async replaceBy(draft: JournalDraft): Promise<void> {
    await draft.sync();
    await this.#disk.rename(draft.path, this.path);
    const before = this.#handle;
    draft.taken = true;
    this.#handle = draft.handle;
    this.#length = draft.length;
    this.#hasRemains = false;
    // Nothing is acknowledged before the new name is on the disk: `append` tries again.
    this.#folderIsSynced = false;
    await before.close();
    await this.#syncFolder();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #syncFolder(): Promise<void> {
    await this.#disk.syncFolder(this.path);
    this.#folderIsSynced = true;
  }

  async #cutRemains(): Promise<void> {
    await this.#handle.truncate(this.#length);
    this.#hasRemains = false;
  }
}

/** A file that is written beside the journal. */
export class JournalDraft {
  readonly path: string;
  readonly handle: JournalHandle;
  /** Whether it is the journal by now. */
  taken = false;
  #length = 0;

  constructor(path: string, handle: JournalHandle) {
    this.path = path;
    this.handle = handle;
  }

  get length(): number {
    return this.#length;
  }

  async write(lines: string): Promise<void> {
    this.#length += await writeAll(this.handle, lines, this.#length);
  }

  sync(): Promise<void> {
    return this.handle.datasync();
  }

  /** For a draft that `replaceBy` did not take. */
  async discard(): Promise<void> {
    await this.handle.close();
    await rm(this.path, { force: true });
  }
}

function draftOf(path: string): string {
  return `${path}.new`;
}

async function openOrCreate(path: string, disk: JournalDisk): Promise<JournalHandle> {
  try {
    return await disk.open(path, 'r+');
  } catch (error) {
    if (!isNodeError(error) || error.code !== 'ENOENT') throw error;
    return await disk.open(path, 'wx+');
  }
}

function notAJournal(path: string): BanJournalError {
  return new BanJournalError('not-a-journal', `${path} is not a ban journal of version 1; nothing in it was changed`);
}
