import { type Clock, isClock, OptionReader, systemClock } from '@postern/core';
import {
  canonicalName,
  type DomainEntryPattern,
  formatDomainEntryPattern,
  parseDomainEntryPattern,
} from './domain-entry-pattern.ts';
import { DomainTable, isLive, type PlacedEntry } from './domain-table.ts';
import type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';
import { readListEntry } from './read-list-entry.ts';
import { takeAll } from './take-all.ts';

/** What a `DomainList` takes. */
export interface DomainListOptions {
  /** What tells when an entry ends. Default: the machine's own clock. */
  readonly clock?: Clock;
  /**
   * How many entries with an end are kept at most: the bound of what bans made from traffic may cost. Entries without an
   * end, which people and feeds make, are not counted. An `add` above the bound drops the one that ends soonest, which would
   * have been forgotten soonest anyway; never the one that is being added. Default 1,000,000.
   */
  readonly maxExpiringEntries?: number;
  /**
   * Whether the private part of the Public Suffix List counts for `registrable:` patterns, so that the registrable domain of
   * `a.github.io` is itself and not `github.io`, which belongs to many. Default `true`.
   */
  readonly privateSuffixes?: boolean;
}

/** An entry with the pattern that it stands for, in its canonical text. */
export type DomainListEntry = ListEntry & { readonly pattern: string };

/** A pattern, a pattern with its entry, or an entry as another list gives it: what a {@link DomainList} is made from. */
export type DomainListInput =
  | string
  | readonly [pattern: string, entry?: ListEntryInput | undefined]
  | (ListEntryInput & { readonly pattern: string });

/** What {@link DomainList.fromAsync} takes. */
export interface DomainListLoadOptions extends DomainListOptions {
  /** Ends the load: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Domains and what is said about them. A pattern is one of
 *
 * - `example.com`: this one name;
 * - `.example.com`: the names below it, at any depth, and not itself;
 * - `registrable:mail.example.com`: every name of the organization, `example.com` itself included: all whose registrable
 *   domain, by the Public Suffix List, is that of the name that is written here. What is itself a public suffix (`co.uk`)
 *   is refused: it would list a country.
 *
 * The most specific entry decides, and an `allow` lifts what a wider entry blocks: the exact name first, then the longest
 * domain, and of one domain `.example.com` before `registrable:example.com`. Patterns and names may be written in any case,
 * in Unicode, with a trailing dot, and with underscores.
 *
 * A lookup takes at most one step a label, however many entries there are, and one look into the Public Suffix List when a
 * `registrable:` entry may decide. An entry that has ended decides nothing, and uncovers the wider one; each write takes up
 * to four such away.
 *
 * @example
 * ```ts
 * import { DomainList } from '@postern/ip-list';
 *
 * const list = DomainList.from([
 *   ['registrable:spam.example', { reason: 'sells lists' }],
 *   ['news.spam.example', { action: 'allow', reason: 'asked for' }],
 * ]);
 * list.lookup('a.b.spam.example')?.reason; // 'sells lists'
 * list.lookup('news.spam.example')?.action; // 'allow'
 * ```
 */
export class DomainList implements BanList {
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #maxExpiringEntries: number;
  readonly #privateSuffixes: boolean;
  #table: DomainTable;
  #last: ListEntry | undefined;

  constructor(options?: DomainListOptions) {
    const read = new OptionReader('DomainList', options);
    this.#maxExpiringEntries = read.integer('maxExpiringEntries', 1_000_000, { min: 1 });
    this.#privateSuffixes = read.boolean('privateSuffixes', true);
    this.#clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    read.done();
    this.#now = () => this.#clock.now();
    this.#table = this.#emptyTable();
  }

  /** A list of these entries; of several for one pattern the last one counts. Throws as `add` does. */
  static from(entries: Iterable<DomainListInput>, options?: DomainListOptions): DomainList {
    const list = new DomainList(options);
    list.replace(entries);
    return list;
  }

  /** Like `from`, for entries that come in over time. */
  static async fromAsync(
    entries: AsyncIterable<DomainListInput> | Iterable<DomainListInput>,
    options: DomainListLoadOptions = {},
  ): Promise<DomainList> {
    const { signal: given, ...rest } = options;
    const list = new DomainList(rest);
    const signal = new OptionReader('DomainList.fromAsync', { signal: given }).signal('signal');
    await takeAll(entries, (entry) => list.#addTo(list.#table, 'DomainList.fromAsync', entry), signal);
    return list;
  }

  /** Patterns with an entry that has not ended. */
  get size(): number {
    return this.#table.size(this.#now);
  }

  /**
   * Adds or replaces the entry of exactly this pattern. One that has ended already only takes away what was there.
   *
   * @throws RangeError for a text that is no pattern, TypeError for an entry that is none
   */
  add(pattern: string, entry?: ListEntryInput): void {
    this.#addTo(this.#table, 'DomainList.add', [pattern, entry]);
  }

  /** Whether there was an entry of exactly this pattern. A `RangeError` for a text that is no pattern. */
  delete(pattern: string): boolean {
    return isLive(this.#table.delete(this.#parse('DomainList.delete', pattern)), this.#now);
  }

  /** The entry of exactly this pattern. A `RangeError` for a text that is no pattern. */
  get(pattern: string): DomainListEntry | undefined {
    const parsed = this.#parse('DomainList.get', pattern);
    const entry = this.#table.get(parsed);
    return isLive(entry, this.#now) ? withPattern({ ...parsed, entry }) : undefined;
  }

  /** The most specific entry that covers the name; `undefined` when none does, or when it is not the name of a domain. */
  lookup(name: string): DomainListEntry | undefined {
    const canonical = canonicalName(name);
    if (canonical === undefined) return undefined;
    const found = this.#table.find(canonical, this.#now);
    return found && withPattern(found);
  }

  clear(): void {
    this.#table = this.#emptyTable();
  }

  /**
   * Puts these entries in the place of all that were there, at once: whoever looks a name up sees the old list or the new
   * one. When it throws, as `add` does, the old list stays.
   */
  replace(entries: Iterable<DomainListInput>): void {
    const table = this.#emptyTable();
    for (const entry of entries) this.#addTo(table, 'DomainList.replace', entry);
    this.#table = table;
  }

  /** The entries that have not ended, in no particular order. The list may change meanwhile. */
  *[Symbol.iterator](): Generator<DomainListEntry, void, undefined> {
    for (const placed of this.#table.entries(this.#now)) yield withPattern(placed);
  }

  #addTo(table: DomainTable, owner: string, input: DomainListInput): void {
    const [pattern, entry] = keyed(input);
    const read = readListEntry(owner, entry);
    // A feed says the same of each of its names: that is kept once.
    if (this.#last === undefined || !isSameEntry(this.#last, read)) this.#last = read;
    table.set(this.#parse(owner, pattern), this.#last, this.#clock.now());
  }

  #parse(owner: string, pattern: string): DomainEntryPattern {
    if (typeof pattern !== 'string') throw new TypeError(`${owner}: a pattern must be a string, got ${typeof pattern}`);
    const parsed = parseDomainEntryPattern(pattern, this.#privateSuffixes);
    if (typeof parsed === 'string')
      throw new RangeError(`${owner}: ${JSON.stringify(pattern.slice(0, 300))} ${parsed}`);
    return parsed;
  }

  #emptyTable(): DomainTable {
    return new DomainTable(this.#maxExpiringEntries, this.#privateSuffixes);
  }
}

function keyed(input: DomainListInput): readonly [pattern: string, entry?: ListEntryInput | undefined] {
  if (typeof input === 'string') return [input];
  return 'pattern' in input ? [input.pattern, input] : input;
}

/** Not by spreading: that of a frozen object takes microseconds. */
function withPattern(placed: PlacedEntry): DomainListEntry {
  const { action, reason, source, expiresAt, evidence } = placed.entry;
  return { pattern: formatDomainEntryPattern(placed), action, reason, source, expiresAt, evidence };
}

function isSameEntry(one: ListEntry, other: ListEntry): boolean {
  return (
    one.action === other.action &&
    one.reason === other.reason &&
    one.source === other.source &&
    one.expiresAt === other.expiresAt &&
    one.evidence === other.evidence
  );
}
