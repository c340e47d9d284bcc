import { type Cidr, type IpAddress, parseCidr } from '@postern/core';
import { EntryPool } from './entry-pool.ts';
import type { ListEntryInput } from './list-entry.ts';
import { PrefixBatch } from './prefix-batch.ts';
import { PrefixTable } from './prefix-table.ts';

/** A prefix, a prefix with its entry, or an entry as another list gives it: what an {@link IpList} is made from. */
export type IpListInput =
  | string
  | readonly [prefix: string | Cidr, entry?: ListEntryInput | undefined]
  | (ListEntryInput & { readonly prefix: string });

/** All of a list that a reload exchanges at once. */
export interface ListContents {
  readonly pool: EntryPool;
  readonly ipv4: PrefixTable;
  readonly ipv6: PrefixTable;
  /** How many prefixes have an entry with an end. */
  expiring: number;
  /** No entry ends before: milliseconds since the epoch. */
  firstEnd: number;
}

export function emptyContents(): ListContents {
  return {
    pool: new EntryPool(),
    ipv4: new PrefixTable(4),
    ipv6: new PrefixTable(6),
    expiring: 0,
    firstEnd: Number.POSITIVE_INFINITY,
  };
}

export function copyContents({ pool, ipv4, ipv6, expiring, firstEnd }: ListContents): ListContents {
  return { pool: new EntryPool(pool), ipv4: ipv4.clone(), ipv6: ipv6.clone(), expiring, firstEnd };
}

export function tableOf(contents: ListContents, { family }: IpAddress): PrefixTable {
  return family === 4 ? contents.ipv4 : contents.ipv6;
}

/** A prefix as a caller gives it; its host bits may be set. A RangeError in the name of `owner` when it is none. */
export function readPrefix(owner: string, prefix: string | Cidr): Cidr {
  if (typeof prefix === 'string') {
    const result = parseCidr(prefix);
    if (result.ok) return result.cidr;
    throw new RangeError(`${owner}: ${JSON.stringify(prefix.slice(0, 60))} is not a prefix: ${result.reason}`);
  }
  const { network, prefixLength } = prefix;
  const most = network.family === 4 ? 32 : 128;
  if (Number.isInteger(prefixLength) && prefixLength >= 0 && prefixLength <= most) return prefix;
  throw new RangeError(`${owner}: a prefix length must be a whole number from 0 to ${most}, got ${prefixLength}`);
}

/** Collects the entries of a list that is made at once. Nobody sees them before `finish`. */
export class ListLoading {
  readonly #owner: string;
  readonly #contents: ListContents = emptyContents();
  readonly #ipv4 = new PrefixBatch(4);
  readonly #ipv6 = new PrefixBatch(6);

  /** @param owner - the call in whose name errors speak */
  constructor(owner: string) {
    this.#owner = owner;
  }

  add(input: IpListInput): void {
    const [prefix, entry] = keyed(input);
    const cidr = readPrefix(this.#owner, prefix);
    const number = useEntry(this.#contents, this.#owner, entry);
    (cidr.network.family === 4 ? this.#ipv4 : this.#ipv6).add(cidr, number);
  }

  finish(): ListContents {
    const contents = this.#contents;
    const replaced = (number: number): void => releaseEntry(contents, number);
    return {
      ...contents,
      ipv4: PrefixTable.of(4, this.#ipv4, replaced),
      ipv6: PrefixTable.of(6, this.#ipv6, replaced),
      expiring: contents.expiring,
    };
  }
}

function keyed(input: IpListInput): readonly [prefix: string | Cidr, entry?: ListEntryInput | undefined] {
  if (typeof input === 'string') return [input];
  return 'prefix' in input ? [input.prefix, input] : input;
}

/** The number of an entry for one prefix more. */
export function useEntry(contents: ListContents, owner: string, input: ListEntryInput | undefined): number {
  const number = contents.pool.take(owner, input);
  const end = contents.pool.endOf(number);
  if (end !== Number.POSITIVE_INFINITY) contents.expiring++;
  if (end < contents.firstEnd) contents.firstEnd = end;
  return number;
}

/** One prefix less has the entry of this number; -1 is none. */
export function releaseEntry(contents: ListContents, number: number): void {
  if (number < 0) return;
  if (contents.pool.endOf(number) !== Number.POSITIVE_INFINITY) contents.expiring--;
  contents.pool.release(number);
}
