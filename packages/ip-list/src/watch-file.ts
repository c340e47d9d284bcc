import { type BigIntStats, type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type Awaitable, type Cidr, errorText, OptionReader } from '@postern/core';
import { PatternStore, PrefixStore } from './entry-store.ts';
import {
  type DomainListFileOptions,
  type IpListFileOptions,
  type ListFile,
  type ListLoader,
  readListLoader,
  readPath,
  type UnusableList,
} from './list-file.ts';
import { isDomainListFormat, readDomainListFormat, readIpListFormat } from './list-format.ts';
import type { KeyedEntry } from './read-entries.ts';
import { announceReload, type ReloadEvent } from './reload-event.ts';

/** What a file can be loaded into: `IpList`, `DomainList`, and whatever else exchanges all its entries at once. */
export interface ReplaceableList<Key> {
  readonly size: number;
  replace(entries: Iterable<KeyedEntry<Key>>): Awaitable<void>;
}

/** How a file is watched. */
export interface WatchOptions {
  /** How long a file must be left alone before it is read, at most ten times as long in all. Default 250. */
  readonly debounceMs?: number;
  /**
   * How often the file is looked at even when the system tells of no change, as on network file systems. Default 60,000,
   * at least 10.
   */
  readonly pollMs?: number;
  /**
   * The share of its entries, 0 to 1, that the file may lose from one reading to the next; `1` for any. Default 0.9: a
   * download that broke off must not open the gate.
   */
  readonly maxLossShare?: number;
  /** Called with what came of each reading. */
  readonly onReload?: (event: ReloadEvent) => unknown;
}

/** What `watchFile` takes for a list of addresses. */
export type IpWatchOptions = IpListFileOptions & WatchOptions;

/** What `watchFile` takes for a list of names. */
export type DomainWatchOptions = DomainListFileOptions &
  WatchOptions & { readonly format: NonNullable<DomainListFileOptions['format']> };

/** A file that is being watched. */
export interface FileWatch extends Disposable {
  /** What came of the first reading. Never rejects. */
  readonly loaded: Promise<ReloadEvent>;
  /** Reads the file now, or once more after the reading that goes on; never rejects. */
  reload(): Promise<ReloadEvent>;
  /** Ends it within milliseconds: a reading that goes on has no effect, and nothing is announced any more. */
  close(): void;
}

interface WatcherSettings<Key> {
  readonly path: string;
  readonly list: ReplaceableList<Key>;
  readonly loader: ListLoader<Key>;
  readonly allowEmpty: boolean;
  readonly debounceMs: number;
  readonly pollMs: number;
  readonly maxLossShare: number;
  readonly onReload: ((event: ReloadEvent) => unknown) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Longer than this, times `debounceMs`, nobody can put a reading off. */
const MAX_DEBOUNCES = 10;

class FileWatcher<Key> implements FileWatch {
  readonly loaded: Promise<ReloadEvent>;
  readonly #settings: WatcherSettings<Key>;
  readonly #closing = new AbortController();
  readonly #onAbort = (): void => this.close();
  #watcher: FSWatcher | undefined;
  /** Which directory the system tells of: under the same name there may be another one by now. */
  #directory = '';
  readonly #poll: NodeJS.Timeout;
  #debounce: NodeJS.Timeout | undefined;
  /** When the change came that is waited for; milliseconds of the monotonic clock. */
  #changedAt = 0;
  /** The reading that goes on. */
  #reading: Promise<ReloadEvent> | undefined;
  /** The one after it. */
  #next: Promise<ReloadEvent> | undefined;
  /** Which file was read last; `''`: none, `undefined`: it is to be read again. */
  #seen: string | undefined;
  #looking = false;
  /** Something happened beside the file while it was read or looked at. */
  #lookAgain = false;
  /** How many entries the last reading gave that was used. */
  #entries: number | undefined;

  constructor(settings: WatcherSettings<Key>) {
    this.#settings = settings;
    this.#poll = setInterval(() => this.#look(), settings.pollMs).unref();
    settings.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (settings.signal?.aborted) this.close();
    this.loaded = this.reload();
  }

  reload(): Promise<ReloadEvent> {
    if (this.#reading === undefined) {
      this.#reading = this.#read();
      return this.#reading;
    }
    // Whatever comes while the file is read leads to one more reading.
    this.#next ??= this.#reading.then(() => {
      this.#next = undefined;
      return this.reload();
    });
    return this.#next;
  }

  close(): void {
    this.#closing.abort();
    this.#settings.signal?.removeEventListener('abort', this.#onAbort);
    this.#watcher?.close();
    this.#watcher = undefined;
    clearInterval(this.#poll);
    clearTimeout(this.#debounce);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Has the system tell of the directory, since a file that is renamed onto ours is another file; anew when it was deleted
   * and made again, or a link to it was turned.
   */
  async #listen(): Promise<void> {
    const { path } = this.#settings;
    const directory = await identify(dirname(path), ({ dev, ino }) => `${dev} ${ino}`);
    if (this.#closing.signal.aborted || (this.#watcher !== undefined && directory === this.#directory)) return;
    this.#stopListening();
    this.#directory = directory;
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, (event, name) => {
        if (name === null || name === basename(path)) this.#changed();
        // A symbolic link on the way to the file may be turned under another name; what is written to others is nothing.
        else if (event === 'rename') this.#look();
      });
      this.#watcher.on('error', () => this.#stopListening());
    } catch {
      this.#watcher = undefined;
    }
  }

  #stopListening(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #changed(): void {
    if (this.#closing.signal.aborted) return;
    const { debounceMs } = this.#settings;
    const now = performance.now();
    if (this.#debounce === undefined) this.#changedAt = now;
    clearTimeout(this.#debounce);
    const latest = this.#changedAt + debounceMs * MAX_DEBOUNCES - now;
    this.#debounce = setTimeout(
      () => {
        this.#debounce = undefined;
        void this.reload();
      },
      Math.max(0, Math.min(debounceMs, latest)),
    ).unref();
  }

  /** Whether it is still the file that was read. */
  #look(): void {
    if (this.#closing.signal.aborted) return;
    // One look at a time, however much goes on in the directory.
    if (this.#reading !== undefined || this.#looking) {
      this.#lookAgain = true;
      return;
    }
    if (this.#debounce !== undefined) return;
    this.#looking = true;
    void this.#listen()
      .then(() => identify(this.#settings.path, versionOf))
      .then((now) => {
        this.#looking = false;
        // Who reads looks again afterwards.
        if (this.#reading !== undefined) return;
        if (now !== this.#seen) this.#changed();
        this.#lookOnceMore();
      });
  }

  /** Once more, when something happened meanwhile. */
  #lookOnceMore(): void {
    if (!this.#lookAgain) return;
    this.#lookAgain = false;
    this.#look();
  }

  async #read(): Promise<ReloadEvent> {
    // Before the reading: what changes meanwhile is found by the next look.
    await this.#listen();
    const seen = await identify(this.#settings.path, versionOf);
    const event = await this.#apply();
    this.#reading = undefined;
    if (this.#closing.signal.aborted) return event;
    const again = event.outcome === 'refused' && (event.error === 'changed' || event.error === 'unreadable');
    this.#seen = again && seen !== '' ? undefined : seen;
    if (event.outcome === 'refused' && event.error === 'changed') this.#changed();
    this.#lookOnceMore();
    announceReload(event, this.#settings.onReload);
    return event;
  }

  async #apply(): Promise<ReloadEvent> {
    const { path, list, loader, allowEmpty, maxLossShare } = this.#settings;
    const before = this.#entries ?? list.size;
    const file = await loader(this.#closing.signal, allowEmpty || before === 0);
    if (!file.ok) return refused(file);
    const { entries, problems } = file;
    const unusable = (error: UnusableList['error'], why: string): ReloadEvent =>
      refused({ ok: false, path, error, message: `The list ${path} was not used: ${why}.`, problems });
    if (entries.size < before * (1 - maxLossShare) && !(allowEmpty && entries.size === 0)) {
      return unusable('shrunk', `it has ${entries.size} entries and had ${before}`);
    }
    if (this.#closing.signal.aborted) return unusable('aborted', 'the watch was closed');
    try {
      await list.replace(entries);
    } catch (error) {
      return unusable('rejected', errorText(error));
    }
    this.#entries = entries.size;
    return { outcome: 'loaded', path, entries: entries.size, problems };
  }
}

/** Its time of change too: a copy may keep the time of writing, and the size of the file before. */
function versionOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** `''` for what is not there. */
async function identify(path: string, describe: (stats: BigIntStats) => string): Promise<string> {
  try {
    return describe(await stat(path, { bigint: true }));
  } catch {
    return '';
  }
}

function refused({ path, error, message, problems }: ListFile<never> & { ok: false }): ReloadEvent {
  return { outcome: 'refused', path, error, message, problems };
}

function isFunction(value: unknown): value is (event: ReloadEvent) => unknown {
  return typeof value === 'function';
}

function start<Key>(read: OptionReader, path: string, list: ReplaceableList<Key>, loader: ListLoader<Key>): FileWatch {
  const settings: WatcherSettings<Key> = {
    path,
    list,
    loader,
    allowEmpty: read.boolean('allowEmpty', false),
    debounceMs: read.integer('debounceMs', 250, { min: 0, max: 3_600_000 }),
    pollMs: read.integer('pollMs', 60_000, { min: 10, max: 86_400_000 }),
    maxLossShare: read.number('maxLossShare', 0.9, { min: 0, max: 1 }),
    onReload: read.value('onReload', isFunction, 'a function'),
    signal: read.signal('signal'),
  };
  read.done();
  return new FileWatcher(settings);
}

/**
 * Loads a file into a list at once and whenever it changes; the list has all of the old entries or all of the new ones, and
 * nothing but those of the file. A file that is replaced by renaming another one onto it is followed.
 *
 * The list stays as it is, and `onReload` hears why, when the file cannot be read or was written to while it was read; when
 * it is no list (`maxBadShare`); when it has no entry though it had some (`allowEmpty`); when it lost most of them
 * (`maxLossShare`). Readings never overlap; a change during one leads to another. Each is published on the channel
 * `postern.ip-list.reload` of `node:diagnostics_channel`, as a {@link ReloadEvent}.
 *
 * It never keeps the process alive. `signal` ends it, as `close` does.
 *
 * @param list - exchanged whole: entries that others add to it go with the next reload, so let bans have a list of their own
 * @throws TypeError and RangeError at once for options that are none
 *
 * @example
 * ```ts
 * import { IpList, watchFile } from '@postern/ip-list';
 *
 * const list = new IpList();
 * const watch = watchFile('/etc/postern/blocked.txt', list, {
 *   onReload: (event) => console.log(event.outcome === 'loaded' ? event.entries : event.message),
 * });
 * await watch.loaded;
 * // and when the server stops:
 * watch.close();
 * ```
 */
export function watchFile(path: string, list: ReplaceableList<Cidr>, options?: IpWatchOptions): FileWatch;
export function watchFile(path: string, list: ReplaceableList<string>, options: DomainWatchOptions): FileWatch;
export function watchFile(
  path: string,
  list: ReplaceableList<never>,
  options?: IpWatchOptions | DomainWatchOptions,
): FileWatch {
  readPath('watchFile', path);
  if (typeof list !== 'object' || list === null || typeof list.replace !== 'function') {
    throw new TypeError('watchFile: list must be an IpList, a DomainList, or an object with replace() and size');
  }
  const read = new OptionReader('watchFile', options);
  if (isDomainListFormat(options?.format)) {
    const loader = readListLoader(read, path, readDomainListFormat(read), () => new PatternStore());
    return start<string>(read, path, list, loader);
  }
  const loader = readListLoader(read, path, readIpListFormat(read), () => new PrefixStore());
  return start<Cidr>(read, path, list, loader);
}
