import { link, rm } from 'node:fs/promises';
import { errorText } from '@postern/core';
import { BanJournalError } from './ban-journal-error.ts';
import type { JournalDraft, JournalFile } from './journal-file.ts';
import { formatChange, LONGEST_LINE } from './journal-line.ts';
import type { JournalReplay } from './journal-replay.ts';
import { JournalWriter } from './journal-writer.ts';
import type { JournaledList } from './journaled-list.ts';
import type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';
import type { LockFile } from './lock-file.ts';
import { readListEntry } from './read-list-entry.ts';

/** When a journal is compacted. */
export interface CompactionThresholds {
  readonly compactAtBytes: number;
  readonly compactAtGrowth: number;
}

/** A snapshot is written in pieces of about so many characters, and others have their turn between them. */
const PIECE = 65_536;

/**
 * A list in memory whose changes outlive a restart; {@link openBanJournal} makes it.
 *
 * A change is in force at once, for every lookup in `list`, and it is on the disk when the call resolves. Calls that come
 * while the disk is busy are written together. When the disk is full or broken the call rejects, the change stays in force
 * in this process, and it is written before the next one that can be (of such changes the newest 1 MiB is kept).
 */
export class BanJournal<L extends JournaledList> implements BanList, AsyncDisposable {
  /** Where to look things up. It is changed through the journal only. */
  readonly list: L;
  /** What was found in the file when it was opened. */
  readonly replay: JournalReplay;
  readonly #file: JournalFile;
  readonly #lock: LockFile;
  readonly #thresholds: CompactionThresholds;
  readonly #writer: JournalWriter;
  #compactAt: number;
  #compacting: Promise<void> | undefined;
  /** The file has bad lines, which are to be kept. */
  #damaged: boolean;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(list: L, replay: JournalReplay, file: JournalFile, lock: LockFile, thresholds: CompactionThresholds) {
    this.list = list;
    this.replay = replay;
    this.#file = file;
    this.#lock = lock;
    this.#thresholds = thresholds;
    this.#writer = new JournalWriter(file);
    this.#damaged = replay.badLineCount > 0;
    const inForce = replay.entries / Math.max(1, replay.changes + replay.badLineCount);
    this.#compactAt = this.#nextCompaction(file.length * inForce);
    this.#compactIfGrown();
  }

  /**
   * Adds or replaces the entry of exactly this prefix or pattern, and resolves when that is on the disk.
   *
   * @throws TypeError and RangeError as the list does, and a RangeError when the entry takes more than 65,536 bytes of JSON:
   *   then nothing has changed. BanJournalError `write-failed`, `busy` or `closed`
   */
  async add(key: string, entry?: ListEntryInput): Promise<void> {
    const read = readListEntry('BanJournal.add', entry);
    await this.#change(key, read, () => this.list.add(key, read));
  }

  /**
   * Resolves to whether there was an entry of exactly this prefix or pattern, when its end is on the disk. Throws as `add`
   * does.
   */
  async delete(key: string): Promise<boolean> {
    return await this.#change(key, undefined, () => this.list.delete(key));
  }

  /** The entry of exactly this prefix or pattern that is in force. Throws as the list does. */
  async get(key: string): Promise<ListEntry | undefined> {
    return await this.list.get?.(key);
  }

  /**
   * Writes the file anew with what is in force. That happens by itself when the file has grown; changes may go on meanwhile.
   *
   * @throws BanJournalError `write-failed`: the file is as it was; `closed`
   */
  async compact(): Promise<void> {
    if (this.#closing !== undefined) throw this.#closed();
    this.#compacting ??= this.#compact().finally(() => {
      this.#compacting = undefined;
    });
    await this.#compacting;
  }

  /**
   * Waits until all changes are on the disk, then gives the file free. More calls wait for the same.
   *
   * @throws BanJournalError `write-failed` when changes that were refused before could not be written now either; the file is
   *   closed nevertheless
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #change<T>(key: string, entry: ListEntry | undefined, apply: () => T): Promise<T> {
    if (this.#closing !== undefined) throw this.#closed();
    if (typeof key !== 'string') throw new TypeError('BanJournal: a prefix or pattern must be a string');
    const line = formatChange(key, entry);
    if (Buffer.byteLength(line) > LONGEST_LINE) {
      throw new RangeError(`BanJournal: an entry must not take more than ${LONGEST_LINE} bytes of JSON`);
    }
    const result = apply();
    await this.#writer.write(line);
    this.#compactIfGrown();
    return result;
  }

  #nextCompaction(bytesInForce: number): number {
    const { compactAtBytes, compactAtGrowth } = this.#thresholds;
    return Math.max(compactAtBytes, compactAtGrowth * bytesInForce);
  }

  #compactIfGrown(): void {
    if (this.#file.length < this.#compactAt || this.#compacting !== undefined || this.#closing !== undefined) return;
    this.compact().catch((error: unknown) => {
      if (this.#closing !== undefined) return;
      // The file is whole, only larger than it need be. The next try is when it has doubled.
      this.#compactAt = 2 * this.#file.length;
      const message = `The ban journal ${this.#file.path} could not be compacted.`;
      process.emitWarning(message, { type: 'PosternWarning', detail: errorText(error) });
    });
  }

  async #compact(): Promise<void> {
    try {
      const draft = await this.#writer.between(async () => {
        // What is in the file by now is in the list, too; what gets into it from now on is written behind the snapshot.
        this.#writer.record();
        return await this.#file.draft();
      });
      try {
        await this.#snapshot(draft);
        await this.#writer.between(async () => {
          await draft.write(this.#writer.recorded());
          await this.#keepDamaged();
          await this.#file.replaceBy(draft);
        });
      } catch (error) {
        if (!draft.taken) await draft.discard();
        throw error;
      }
      this.#compactAt = this.#nextCompaction(this.#file.length);
    } catch (cause) {
      if (cause instanceof BanJournalError) throw cause;
      const message = `${this.#file.path} could not be compacted: ${errorText(cause)}`;
      throw new BanJournalError('write-failed', message, cause);
    } finally {
      this.#writer.recorded();
    }
  }

  async #snapshot(draft: JournalDraft): Promise<void> {
    let piece = '';
    for (const listed of this.list) {
      const key = 'prefix' in listed ? listed.prefix : listed.pattern;
      piece += formatChange(key, listed);
      if (piece.length < PIECE) continue;
      await draft.write(piece);
      piece = '';
      if (this.#closing !== undefined) throw this.#closed();
    }
    await draft.write(piece);
    // Most of the waiting for the disk is here, while changes still go on.
    await draft.sync();
  }

  async #keepDamaged(): Promise<void> {
    if (!this.#damaged) return;
    const kept = `${this.#file.path}.damaged`;
    await rm(kept, { force: true });
    await link(this.#file.path, kept);
    this.#damaged = false;
  }

  async #close(): Promise<void> {
    await this.#compacting?.catch(() => undefined);
    try {
      await this.#writer.flush();
    } finally {
      await this.#file.close();
      await this.#lock.release();
    }
  }

  #closed(): BanJournalError {
    return new BanJournalError('closed', `${this.#file.path}: the journal was closed`);
  }
}
