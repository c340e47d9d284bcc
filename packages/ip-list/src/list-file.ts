import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Cidr, errorText, OptionReader } from '@postern/core';
import { type EntryStore, PatternStore, PrefixStore } from './entry-store.ts';
import type { LineFormat } from './line-format.ts';
import { readDomainListFormat, readIpListFormat } from './list-format.ts';
import { type ListProblems, ProblemLog } from './list-problem.ts';
import { ListReading, type ReadingOptions } from './list-reading.ts';
import { type DomainTextOptions, type IpTextOptions, type KeyedEntry, readReadingOptions } from './read-entries.ts';
import { textPieces } from './text-pieces.ts';

/**
 * - `unreadable`: it is not there, may not be read, or reading failed.
 * - `not-a-file`: a directory, a pipe or a device.
 * - `changed`: somebody wrote to it while it was read. Write another file and rename it.
 * - `too-many-entries`: more than `maxEntries`.
 * - `too-many-bad-lines`: more than `maxBadShare` of it was skipped: another format, or no list at all.
 * - `empty`: it has no entry.
 * - `shrunk`: it lost more than `maxLossShare` of what it had (`watchFile` only).
 * - `rejected`: the list would not take the entries (`watchFile` only).
 * - `aborted`: the signal fired.
 */
export type ListFileError =
  | 'unreadable'
  | 'not-a-file'
  | 'changed'
  | 'too-many-entries'
  | 'too-many-bad-lines'
  | 'empty'
  | 'shrunk'
  | 'rejected'
  | 'aborted';

/** The entries of a file that was read whole, to be gone through as often as one likes; `IpList.from` takes them. */
export interface LoadedEntries<Key> extends Iterable<KeyedEntry<Key>> {
  readonly size: number;
}

/** A file that was read and may be used. */
export interface LoadedList<Key> {
  readonly ok: true;
  readonly path: string;
  readonly entries: LoadedEntries<Key>;
  readonly problems: ListProblems;
}

/** A file that must not be used. */
export interface UnusableList {
  readonly ok: false;
  readonly path: string;
  readonly error: ListFileError;
  /** One sentence for a person; it names the file. */
  readonly message: string;
  readonly problems: ListProblems;
}

/** What came of reading a file. */
export type ListFile<Key> = LoadedList<Key> | UnusableList;

/** When a file is not to be used. */
export interface ListFileLimits {
  /** Default 10,000,000; one of addresses takes 24 bytes until the list has it. */
  readonly maxEntries?: number;
  /** The share of skipped lines, 0 to 1, among them and the entries, above which the file is no list. Default 0.5. */
  readonly maxBadShare?: number;
  /** Whether a file without entries is a list. Default `false`: an empty download must not open the gate. */
  readonly allowEmpty?: boolean;
}

/** What `loadIpList` takes. */
export type IpListFileOptions = IpTextOptions & ListFileLimits;

/** What `loadDomainList` takes. */
export type DomainListFileOptions = DomainTextOptions & ListFileLimits;

/** How one file is read, ready to be used again and again. */
export type ListLoader<Key> = (signal: AbortSignal | undefined, allowEmpty: boolean) => Promise<ListFile<Key>>;

const CHUNK = 65_536;

class Unusable extends Error {
  readonly error: ListFileError;

  constructor(error: ListFileError, message: string) {
    super(message);
    this.error = error;
  }
}

async function* filePieces(path: string): AsyncGenerator<Uint8Array> {
  // A pipe that nobody writes to would hold a thread until somebody does.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const before = await handle.stat();
    if (!before.isFile()) throw new Unusable('not-a-file', 'it is not a regular file');
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK, null);
      if (bytesRead === 0) break;
      yield chunk.subarray(0, bytesRead);
    }
    const after = await handle.stat();
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      throw new Unusable('changed', 'it was written to while it was read');
    }
  } finally {
    await handle.close();
  }
}

/** Reads the options of a file with `read`, and leaves `done` to the caller. */
export function readListLoader<Key>(
  read: OptionReader,
  path: string,
  beginFormat: () => LineFormat<Key>,
  beginStore: () => EntryStore<Key>,
): ListLoader<Key> {
  const options: ReadingOptions = readReadingOptions(read, path);
  const maxEntries = read.integer('maxEntries', 10_000_000, { min: 1 });
  const maxBadShare = read.number('maxBadShare', 0.5, { min: 0, max: 1 });

  return async (signal, allowEmpty) => {
    const problems = new ProblemLog(options.source);
    const unusable = (error: ListFileError, why: string): UnusableList => ({
      ok: false,
      path,
      error,
      message: `The list ${path} was not used: ${why}.`,
      problems,
    });
    const store = beginStore();
    const reading = new ListReading(beginFormat(), options, problems, (key, entry) => {
      if (store.size === maxEntries) throw new Unusable('too-many-entries', `it has more than ${maxEntries} entries`);
      store.add(key, entry);
    });
    try {
      for await (const piece of textPieces(filePieces(path), signal)) reading.push(piece);
      reading.end();
    } catch (error) {
      if (error instanceof Unusable) return unusable(error.error, error.message);
      if (signal?.aborted) return unusable('aborted', 'the reading was aborted');
      return unusable('unreadable', errorText(error));
    }
    if (problems.skipped > (problems.skipped + store.size) * maxBadShare) {
      return unusable('too-many-bad-lines', `${problems.skipped} lines were skipped and ${store.size} entries found`);
    }
    if (store.size === 0 && !allowEmpty) return unusable('empty', 'it has no entry');
    return { ok: true, path, entries: store, problems };
  };
}

/** The path of a file, or a TypeError in the name of `owner`. */
export function readPath(owner: string, path: unknown): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new TypeError(`${owner}: path must be the path of a file`);
  }
  return path;
}

async function load<Key>(
  owner: string,
  path: string,
  options: object | undefined,
  readFormat: (read: OptionReader) => () => LineFormat<Key>,
  beginStore: () => EntryStore<Key>,
): Promise<ListFile<Key>> {
  const read = new OptionReader(owner, options);
  const loader = readListLoader(read, readPath(owner, path), readFormat(read), beginStore);
  const allowEmpty = read.boolean('allowEmpty', false);
  const signal = read.signal('signal');
  read.done();
  return loader(signal, allowEmpty);
}

/**
 * Reads a file of addresses whole. An unreadable file, one that is no list, and an empty one are outcomes, so that a list
 * that is in use stays as it is. Lines that are not as they should be are in `problems`.
 *
 * @throws TypeError and RangeError (as a rejection) only for options that are none
 *
 * @example
 * ```ts
 * import { IpList, loadIpList } from '@postern/ip-list';
 *
 * const list = new IpList();
 * const file = await loadIpList('/etc/postern/drop.txt', { format: 'drop' });
 * if (file.ok) list.replace(file.entries);
 * else console.error(file.message);
 * ```
 */
export function loadIpList(path: string, options?: IpListFileOptions): Promise<ListFile<Cidr>> {
  return load('loadIpList', path, options, readIpListFormat, () => new PrefixStore());
}

/** Like {@link loadIpList}, for a file of names. */
export function loadDomainList(path: string, options?: DomainListFileOptions): Promise<ListFile<string>> {
  return load('loadDomainList', path, options, readDomainListFormat, () => new PatternStore());
}
