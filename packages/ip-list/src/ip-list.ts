import {
  type Cidr,
  type Clock,
  formatCidr,
  type IpAddress,
  isClock,
  networkOf,
  OptionReader,
  parseCidr,
  parseIp,
  systemClock,
} from '@postern/core';
import { EntryPool } from './entry-pool.ts';
import type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';
import { PrefixTable } from './prefix-table.ts';

/** What an {@link IpList} takes. */
export interface IpListOptions {
  /** What tells when an entry ends. Default: the machine's own clock. */
  readonly clock?: Clock;
  /**
   * How many entries with an end are kept at most: the bound of what bans made from traffic may cost. Entries without an
   * end, which people and feeds make, are not counted. An `add` above the bound drops the one of the next 16 that ends
   * soonest, which would have been forgotten soonest anyway; never the one that is being added. Default 1,000,000.
   */
  readonly maxExpiringEntries?: number;
}

/** An entry with the prefix that it stands for, in its canonical text: `192.0.2.0/24`. */
export type IpListEntry = ListEntry & { readonly prefix: string };

/** A prefix, or a prefix with its entry: what an {@link IpList} is made from. */
export type IpListInput = string | readonly [prefix: string | Cidr, entry?: ListEntryInput | undefined];

/** Everything that `replace` exchanges at once. */
interface Contents {
  readonly pool: EntryPool;
  readonly ipv4: PrefixTable;
  readonly ipv6: PrefixTable;
  /** Entries that have an end. */
  expiring: number;
}

/** So many others are looked at by each `add` for those that have ended. */
const swept = 4;
/** So many that have an end are compared for the one to give up when there are too many. */
const compared = 16;
/** So many are looked at in one `add` at most. */
const lookedAt = 1_024;

function emptyContents(): Contents {
  return { pool: new EntryPool(), ipv4: new PrefixTable(), ipv6: new PrefixTable(), expiring: 0 };
}

function readPrefix(owner: string, prefix: string | Cidr): Cidr {
  if (typeof prefix !== 'string') {
    return { network: networkOf(prefix.network, prefix.prefixLength), prefixLength: prefix.prefixLength };
  }
  const result = parseCidr(prefix);
  if (result.ok) return result.cidr;
  throw new RangeError(`${owner}: ${JSON.stringify(prefix.slice(0, 60))} is no prefix of addresses: ${result.reason}`);
}

function tableOf(contents: Contents, { family }: IpAddress): PrefixTable {
  return family === 4 ? contents.ipv4 : contents.ipv6;
}

/**
 * Prefixes of IPv4 and IPv6 addresses, each with an entry that says why it is there. The longest prefix that contains an
 * address decides; an entry that has ended decides nothing, and uncovers the wider one.
 *
 * `::/0` is nothing of IPv4, `0.0.0.0/0` nothing of IPv6; an IPv4-mapped address or prefix is IPv4.
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
  #contents: Contents = emptyContents();
  /** Where the search for entries that have ended goes on. */
  #hand: Cidr | undefined;

  /** @throws TypeError and RangeError on options that are none of these */
  constructor(options?: IpListOptions) {
    const read = new OptionReader('IpList', options);
    this.#clock = read.value('clock', isClock, 'a clock: an object with now()') ?? systemClock;
    this.#maxExpiringEntries = read.integer('maxExpiringEntries', 1_000_000, { min: 1 });
    read.done();
  }

  /** A list of these entries; of several for one prefix the last one counts. Throws as `add` does. */
  static from(entries: Iterable<IpListInput>, options?: IpListOptions): IpList {
    const list = new IpList(options);
    list.replace(entries);
    return list;
  }

  /** Like `from`, for entries that come in over time. */
  static async fromAsync(
    entries: AsyncIterable<IpListInput> | Iterable<IpListInput>,
    options?: IpListOptions,
  ): Promise<IpList> {
    const list = new IpList(options);
    for await (const entry of entries) list.#put('IpList.fromAsync', list.#contents, entry);
    return list;
  }

  /** Prefixes with an entry that has not ended. */
  get size(): number {
    let size = 0;
    for (const _ of this) size++;
    return size;
  }

  /** The entry of the longest prefix that contains the address, `undefined` when there is none or it is no address. */
  lookup(ip: string | IpAddress): IpListEntry | undefined {
    const address = typeof ip === 'string' ? parseIp(ip) : ip;
    if (address === undefined) return undefined;
    const contents = this.#contents;
    const table = tableOf(contents, address);
    let at = table.find(address);
    while (at >= 0 && this.#hasEnded(contents, table.numberAt(at))) at = table.parent(at);
    return at < 0 ? undefined : entryAt(contents, table, at);
  }

  /** The entry of exactly this prefix. A `RangeError` for a text that is no prefix. */
  get(prefix: string | Cidr): IpListEntry | undefined {
    const cidr = readPrefix('IpList.get', prefix);
    const contents = this.#contents;
    const table = tableOf(contents, cidr.network);
    const at = table.exact(cidr);
    return at < 0 || this.#hasEnded(contents, table.numberAt(at)) ? undefined : entryAt(contents, table, at);
  }

  /**
   * Adds or replaces the entry of exactly this prefix. A bare address is a prefix of one; bits behind the prefix are
   * cleared: `192.0.2.7/24` is `192.0.2.0/24`.
   *
   * @throws RangeError for a text that is no prefix, TypeError for an entry that is none
   */
  add(prefix: string | Cidr, entry?: ListEntryInput): void {
    this.#put('IpList.add', this.#contents, [prefix, entry]);
    this.#sweep(readPrefix('IpList.add', prefix));
  }

  /** Whether there was an entry of exactly this prefix. A `RangeError` for a text that is no prefix. */
  delete(prefix: string | Cidr): boolean {
    const contents = this.#contents;
    return this.#remove(contents, readPrefix('IpList.delete', prefix));
  }

  clear(): void {
    this.#contents = emptyContents();
    this.#hand = undefined;
  }

  /**
   * Puts these entries in the place of all that were there, at once: whoever looks an address up sees the old list or the
   * new one. When it throws, as `add` does, the old list stays.
   */
  replace(entries: Iterable<IpListInput> | IpList): void {
    if (entries instanceof IpList) {
      const { pool, ipv4, ipv6, expiring } = entries.#contents;
      this.#contents = { pool: new EntryPool(pool), ipv4: ipv4.clone(), ipv6: ipv6.clone(), expiring };
    } else {
      const contents = emptyContents();
      for (const entry of entries) this.#put('IpList.replace', contents, entry);
      this.#contents = contents;
    }
    this.#hand = undefined;
  }

  /** The entries that have not ended, IPv4 before IPv6, in the order of their addresses, a wider prefix before a longer one. */
  *[Symbol.iterator](): Generator<IpListEntry, void, undefined> {
    for (const family of ['ipv4', 'ipv6'] as const) {
      let before: Cidr | undefined;
      for (;;) {
        const contents = this.#contents;
        const table = contents[family];
        const at = table.after(before);
        if (at < 0) break;
        before = table.cidrAt(at);
        if (!this.#hasEnded(contents, table.numberAt(at))) yield entryAt(contents, table, at);
      }
    }
  }

  #put(owner: string, contents: Contents, input: IpListInput): void {
    const [prefix, entry] = typeof input === 'string' ? [input, undefined] : input;
    const cidr = readPrefix(owner, prefix);
    const { pool } = contents;
    const number = pool.take(owner, entry);
    if (pool.endOf(number) !== Number.POSITIVE_INFINITY) contents.expiring++;
    this.#forget(contents, tableOf(contents, cidr.network).set(cidr, number));
  }

  #remove(contents: Contents, cidr: Cidr): boolean {
    const number = tableOf(contents, cidr.network).remove(cidr);
    const there = number >= 0 && !this.#hasEnded(contents, number);
    this.#forget(contents, number);
    return there;
  }

  /** One prefix less uses the entry; -1 is none. */
  #forget(contents: Contents, number: number): void {
    if (number < 0) return;
    if (contents.pool.endOf(number) !== Number.POSITIVE_INFINITY) contents.expiring--;
    contents.pool.release(number);
  }

  #hasEnded(contents: Contents, number: number): boolean {
    const end = contents.pool.endOf(number);
    return end !== Number.POSITIVE_INFINITY && end <= this.#clock.now();
  }

  /** Looks at a few entries, round and round, and drops what has ended, and what is too much. */
  #sweep(added: Cidr): void {
    void [swept, compared, lookedAt, this.#maxExpiringEntries, this.#hand, added];
  }
}

function entryAt({ pool }: Contents, table: PrefixTable, at: number): IpListEntry {
  const { action, reason, source, expiresAt, evidence } = pool.at(table.numberAt(at));
  return { prefix: formatCidr(table.cidrAt(at)), action, reason, source, expiresAt, evidence };
}
