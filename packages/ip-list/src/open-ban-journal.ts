import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Clock, errorText, isClock, OptionReader, systemClock } from '@postern/core';
import { BanJournal } from './ban-journal.ts';
import { BanJournalError } from './ban-journal-error.ts';
import { isNodeError } from './is-node-error.ts';
import { type JournalDisk, systemDisk } from './journal-disk.ts';
import { JournalFile } from './journal-file.ts';
import { JournalReplayer } from './journal-replay.ts';
import type { JournaledList } from './journaled-list.ts';
import { LockFile } from './lock-file.ts';

/** What {@link openBanJournal} takes. */
export interface BanJournalOptions<L extends JournaledList> {
  /** Path of the file. Its folder must exist; the file is made, with mode 0600, when it is not there. */
  readonly file: string;
  /** The list that the bans are put into: an empty one, which from then on is changed through the journal only. */
  readonly list: L;
  /** What tells when an entry ends. Default: the machine's own clock. */
  readonly clock?: Clock;
  /** A file smaller than this is not compacted by itself. Default 1,048,576 (1 MiB). */
  readonly compactAtBytes?: number;
  /**
   * The file is compacted when it has this many times the bytes that it had when all that it said was in force: after it
   * was compacted, or reckoned so when it was opened. Default 4, at least 2.
   */
  readonly compactAtGrowth?: number;
  /** Ends the opening, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a file of bans, puts what it says into a list, and gives back that list as a `BanList` whose changes are on the disk
 * when they are acknowledged.
 *
 * The file begins with a line that says what it is, and has one line of JSON a change after it. It is rewritten with what is
 * in force when it has grown well beyond that: beside the old one, then renamed, so that a crash leaves one of the two. Of a
 * crash in the middle of a line nothing remains but `replay.tornBytes`; other lines that say nothing are left out and
 * described in `replay.badLines`.
 *
 * One process has the file to itself: `<file>.lock` holds its process id, and a lock whose process runs no more is taken
 * over. That does not keep apart processes in different containers or on different machines with the same folder.
 *
 * @throws TypeError and RangeError on options that are none of these; BanJournalError `locked`, `not-a-journal` or `unusable`
 *
 * @example
 * ```ts
 * import { IpList, openBanJournal } from '@postern/ip-list';
 *
 * const bans = await openBanJournal({ file: '/var/lib/postern/bans.jsonl', list: new IpList() });
 * await bans.add('192.0.2.7', { reason: 'guessed passwords', expiresAt: Date.now() + 3_600_000 });
 * bans.list.lookup('192.0.2.7')?.reason; // 'guessed passwords', also after a crash
 * await bans.close();
 * ```
 */
export function openBanJournal<L extends JournaledList>(options: BanJournalOptions<L>): Promise<BanJournal<L>> {
  return openBanJournalOn(systemDisk, options);
}

/** As `openBanJournal`, on another disk than the machine's. */
export async function openBanJournalOn<L extends JournaledList>(
  disk: JournalDisk,
  options: BanJournalOptions<L>,
): Promise<BanJournal<L>> {
  const read = new OptionReader('openBanJournal', options);
  const file = read.required('file', isPath, 'the path of a file');
  const { list } = options;
  read.required('list', isJournaledList, 'an IpList or a DomainList');
  const clock = read.value('clock', isClock, 'a clock: an object with now()') ?? systemClock;
  const compactAtBytes = read.integer('compactAtBytes', 1_048_576, { min: 1 });
  const compactAtGrowth = read.number('compactAtGrowth', 4, { min: 2 });
  const signal = read.signal('signal');
  if (list[Symbol.iterator]().next().done !== true)
    read.refuse('list', 'an empty list: its entries come from the file');
  read.done();

  signal?.throwIfAborted();
  let lock: LockFile | undefined;
  try {
    const path = await realPath(file);
    lock = await LockFile.take(`${path}.lock`);
    if (lock === undefined) {
      throw new BanJournalError('locked', `${file}: another process has it open, as ${path}.lock says`);
    }
    const replayer = new JournalReplayer(list, clock);
    const opened = await JournalFile.open(path, disk, (lines) => replayer.apply(lines), signal);
    const thresholds = { compactAtBytes, compactAtGrowth };
    return new BanJournal(list, replayer.result(opened.tornBytes), opened.file, lock, thresholds);
  } catch (cause) {
    await lock?.release();
    signal?.throwIfAborted();
    if (cause instanceof BanJournalError) throw cause;
    throw new BanJournalError('unusable', `${file}: ${errorText(cause)}`, cause);
  }
}

/** Behind all links, so that a rewriting replaces the file and not the link to it. */
async function realPath(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (!isNodeError(error) || error.code !== 'ENOENT') throw error;
    return join(await realpath(dirname(file)), basename(file));
  }
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function isJournaledList(value: unknown): value is JournaledList {
  return (
    typeof value === 'object' &&
    value !== null &&
    'add' in value &&
    typeof value.add === 'function' &&
    'delete' in value &&
    typeof value.delete === 'function' &&
    Symbol.iterator in value &&
    typeof value[Symbol.iterator] === 'function'
  );
}
