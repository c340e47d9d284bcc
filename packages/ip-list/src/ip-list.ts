import {
  type Cidr,
  type Clock,
  type IpAddress,
  isClock,
  networkOf,
  OptionReader,
  parseIp,
  systemClock,
} from '@postern/core';
import { EndedSweep } from './ended-sweep.ts';
import type { IpListEntry } from './ip-list-entry.ts';
import {
  copyContents,
  emptyContents,
  type IpListInput,
  type ListContents,
  ListLoading,
  readPrefix,
  releaseEntry,
  tableOf,
  useEntry,
} from './list-contents.ts';
import type { BanList, ListEntryInput } from './list-entry.ts';
import type { PrefixTable } from './prefix-table.ts';
import { RecentEntries } from './recent-entries.ts';
import { takeAll } from './take-all.ts';

/** What an {@link IpList} takes. */
export interface IpListOptions {
  /** What tells when an entry ends. Default: the machine's own clock. */
  readonly clock?: Clock;
  /**
   * How many entries with an end are kept at most: the bound of what bans made from traffic may cost. Entries without an
   * end, which people and feeds make, are not counted and never dropped; `from` and `replace` take what they are given.
   * An `add` above the bound drops one of the next 16, the one that ends first and would have been forgotten soonest
   * anyway, never the one that is being added: who floods the list shortens the bans of others, and is banned. While
   * entries without an end stand between, the bound may be exceeded by one for each 1,024 of those. Default 1,000,000.
   */
  readonly maxExpiringEntries?: number;
}

/** What {@link IpList.fromAsync} takes. */
export interface IpListLoadOptions extends IpListOptions {
  /** Ends the load: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Prefixes of IPv4 and IPv6 addresses, each with an entry that says why it is there. The longest prefix that contains an
 * address decides; an entry that has ended decides nothing, and uncovers the wider one.
 *
 * `::/0` is nothing of IPv4, `0.0.0.0/0` nothing of IPv6; an IPv4-mapped address or prefix is IPv4. A prefix with host bits
 * set is taken as its network: `192.0.2.7/24` is `192.0.2.0/24`.
 *
 * Made for millions of prefixes: about 16 bytes each, lookups that take one search, additions and deletions that
 * rebuild nothing. What an adversary can choose costs a bounded time: a search has at most some 20 steps at a million
 * prefixes, and at most one for each of the prefixes around an address, 32 or 128; hashes decide nothing. An addition or
 * deletion looks at each longer prefix inside of its own once.
 *
 * @example
 * ```ts
 * import { IpList } from '@postern/ip-list';
 *
 * const list = IpList.from([['192.0.2.0/24', { reason: 'sends spam' }], '2001:db8::/32']);
 * list.add('192.0.2.25', { action: 'allow', reason: 'our own relay' });
 * console.log(list.lookup('192.0.2.7')?.reason); // sends spam
 * console.log(list.lookup('192.0.2.25')?.action); // allow
 * console.log(list.lookup('198.51.100.1')); // undefined
 * ```
 */
export class IpList implements BanList {
  readonly #clock: Clock;
  readonly #maxExpiringEntries: number;
  #contents: ListContents = emptyContents();
  #sweep = new EndedSweep();
  readonly #recent = new RecentEntries();

  /** @throws TypeError and RangeError on options that are none of these */
  constructor(options?: IpListOptions) {
    const read = new OptionReader('IpList', options);
    this.#clock = read.value('clock', isClock, 'a clock: an object with now()') ?? systemClock;
    this.#maxExpiringEntries = read.integer('maxExpiringEntries', 1_000_000, { min: 1 });
    read.done();
  }

  /**
   * A list of these entries; of several for one prefix the last one counts. A million of them are fastest as
   * `[cidr, entry]` with one entry object for many prefixes.
   *
   * @throws RangeError for what is no prefix, TypeError for an entry that is none: what may have bad lines is read by a
   * source, which reports them
   */
  static from(entries: Iterable<IpListInput>, options?: IpListOptions): IpList {
    const list = new IpList(options);
    list.#contents = load('IpList.from', entries);
    return list;
  }

  /** Like `from`, for entries that come in over time; what `from` throws rejects the promise. */
  static async fromAsync(
    entries: AsyncIterable<IpListInput> | Iterable<IpListInput>,
    options: IpListLoadOptions = {},
  ): Promise<IpList> {
    const { signal: given, ...rest } = options;
    const list = new IpList(rest);
    const signal = new OptionReader('IpList.fromAsync', { signal: given }).signal('signal');
    const loading = new ListLoading('IpList.fromAsync');
    await takeAll(entries, (entry) => loading.add(entry), signal);
    list.#contents = loading.finish();
    return list;
  }

  /**
   * How many entries there are that have not ended. Known at once, unless one has ended and is still in memory: then it is
   * counted, in a few milliseconds for a million.
   */
  get size(): number {
    const contents = this.#contents;
    const all = contents.ipv4.size + contents.ipv6.size;
    const now = this.#clock.now();
    if (contents.firstEnd > now) return all;
    let ended = 0;
    let firstEnd = Number.POSITIVE_INFINITY;
    for (const table of [contents.ipv4, contents.ipv6]) {
      for (let place = table.after(undefined); place >= 0; place = table.next(place)) {
        const end = contents.pool.endOf(table.numberAt(place));
        if (end <= now) ended++;
        if (end < firstEnd) firstEnd = end;
      }
    }
    contents.firstEnd = firstEnd;
    return all - ended;
  }

  /**
   * The entry of the longest prefix that contains the address; `undefined` when there is none, or it is no address.
   * It is frozen: whoever asks about the same prefix next may get the same object.
   */
  lookup(ip: string | IpAddress): IpListEntry | undefined {
    const address = typeof ip === 'string' ? parseIp(ip) : ip;
    if (address === undefined) return undefined;
    const contents = this.#contents;
    const table = tableOf(contents, address);
    const place = this.#decides(contents, table, table.find(address));
    if (place < 0) return undefined;
    // One number for both tables.
    const key = table === contents.ipv4 ? 2 * place : 2 * place + 1;
    return this.#recent.get(key) ?? this.#recent.keep(key, entryAt(contents, table, place));
  }

  /**
   * What `lookup` would say, without the entry: for a gate that need not explain itself, such as trusted networks. It
   * makes no object and no text, so a hit costs as little as a miss.
   */
  actionOf(ip: string | IpAddress): 'allow' | 'block' | undefined {
    const address = typeof ip === 'string' ? parseIp(ip) : ip;
    if (address === undefined) return undefined;
    const contents = this.#contents;
    const table = tableOf(contents, address);
    const place = this.#decides(contents, table, table.find(address));
    return place < 0 ? undefined : contents.pool.at(table.numberAt(place)).action;
  }

  /** The entry of exactly this prefix. A `RangeError` for what is no prefix. */
  get(prefix: string | Cidr): IpListEntry | undefined {
    const cidr = readNetwork('IpList.get', prefix);
    const contents = this.#contents;
    const table = tableOf(contents, cidr.network);
    const place = table.exact(cidr);
    return place < 0 || this.#hasEnded(contents, table.numberAt(place)) ? undefined : entryAt(contents, table, place);
  }

  /**
   * Adds or replaces the entry of exactly this prefix. A bare address is a prefix of one. An entry that has ended already
   * takes away what was there.
   *
   * @throws RangeError for what is no prefix, TypeError for an entry that is none
   */
  add(prefix: string | Cidr, entry?: ListEntryInput): void {
    const cidr = readNetwork('IpList.add', prefix);
    const contents = this.#contents;
    const number = useEntry(contents, 'IpList.add', entry);
    this.#recent.clear();
    releaseEntry(contents, tableOf(contents, cidr.network).set(cidr, number));
    if (contents.expiring > 0) this.#sweep.step(contents, cidr, this.#clock.now(), this.#maxExpiringEntries);
  }

  /** Whether there was an entry of exactly this prefix. A `RangeError` for what is no prefix. */
  delete(prefix: string | Cidr): boolean {
    const cidr = readNetwork('IpList.delete', prefix);
    const contents = this.#contents;
    this.#recent.clear();
    const number = tableOf(contents, cidr.network).remove(cidr);
    const there = number >= 0 && !this.#hasEnded(contents, number);
    releaseEntry(contents, number);
    return there;
  }

  /** Takes out everything. */
  clear(): void {
    this.#exchange(emptyContents());
  }

  /**
   * Puts these entries, or a copy of that list's, in the place of all that were there. Whoever looks an address up sees
   * the old list or the new one, never a part. When it throws, as `from` does, the old list stays.
   */
  replace(entries: Iterable<IpListInput> | IpList): void {
    this.#exchange(entries instanceof IpList ? copyContents(entries.#contents) : load('IpList.replace', entries));
  }

  /**
   * The entries that have not ended: IPv4 before IPv6, by address, a wider prefix before the longer ones in it. The list
   * may change meanwhile: the iteration goes on behind the entry that it gave last.
   */
  *[Symbol.iterator](): Generator<IpListEntry, void, undefined> {
    for (const family of ['ipv4', 'ipv6'] as const) {
      let last: Cidr | undefined;
      for (;;) {
        const contents = this.#contents;
        const table = contents[family];
        const place = table.after(last);
        if (place < 0) break;
        last = table.cidrAt(place);
        if (!this.#hasEnded(contents, table.numberAt(place))) yield entryAt(contents, table, place);
      }
    }
  }

  #exchange(contents: ListContents): void {
    this.#contents = contents;
    this.#sweep = new EndedSweep();
    this.#recent.clear();
  }

  /** From this place on outwards the first prefix whose entry has not ended, -1 for none. */
  #decides(contents: ListContents, table: PrefixTable, place: number): number {
    if (contents.expiring === 0) return place;
    let at = place;
    while (at >= 0 && this.#hasEnded(contents, table.numberAt(at))) at = table.parent(at);
    return at;
  }

  #hasEnded({ pool }: ListContents, number: number): boolean {
    const end = pool.endOf(number);
    return end !== Number.POSITIVE_INFINITY && end <= this.#clock.now();
  }
}

function load(owner: string, entries: Iterable<IpListInput>): ListContents {
  const loading = new ListLoading(owner);
  for (const entry of entries) loading.add(entry);
  return loading.finish();
}

function readNetwork(owner: string, prefix: string | Cidr): Cidr {
  const { network, prefixLength } = readPrefix(owner, prefix);
  return { network: networkOf(network, prefixLength), prefixLength };
}

function entryAt({ pool }: ListContents, table: PrefixTable, place: number): IpListEntry {
  const { action, reason, source, expiresAt, evidence } = pool.at(table.numberAt(place));
  return { prefix: table.textAt(place), action, reason, source, expiresAt, evidence };
}
