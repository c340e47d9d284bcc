import type { Cidr, IpAddress } from '@postern/core';
import type { ListEntryInput } from './list-entry.ts';
import type { KeyedEntry } from './read-entries.ts';

/** The entries of a file between its reading and the moment when a list takes them, as often as it likes. */
export interface EntryStore<Key> extends Iterable<KeyedEntry<Key>> {
  readonly size: number;
  add(key: Key, entry: ListEntryInput): void;
}

/** The entries of a list of names. */
export class PatternStore implements EntryStore<string> {
  readonly #entries: KeyedEntry<string>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  add(key: string, entry: ListEntryInput): void {
    this.#entries.push([key, entry]);
  }

  [Symbol.iterator](): Iterator<KeyedEntry<string>> {
    return this.#entries[Symbol.iterator]();
  }
}

/** Four words of address, family and length, and the number of the entry: 24 bytes, where objects would take over 100. */
const WORDS = 6;
const SMALLEST = 1_024;

/** The entries of a list of addresses. */
export class PrefixStore implements EntryStore<Cidr> {
  #words = new Uint32Array(SMALLEST * WORDS);
  #size = 0;
  readonly #entries: ListEntryInput[] = [];
  readonly #numbers = new Map<ListEntryInput, number>();
  #last: ListEntryInput | undefined;
  #lastNumber = 0;

  get size(): number {
    return this.#size;
  }

  add({ network, prefixLength }: Cidr, entry: ListEntryInput): void {
    const at = this.#size * WORDS;
    if (at === this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    const words = this.#words;
    words[at] = network.word0;
    words[at + 1] = network.word1;
    words[at + 2] = network.word2;
    words[at + 3] = network.word3;
    words[at + 4] = (network.family << 8) | prefixLength;
    words[at + 5] = this.#numberOf(entry);
    this.#size++;
  }

  *[Symbol.iterator](): Generator<KeyedEntry<Cidr>, void, undefined> {
    const words = this.#words;
    for (let at = 0; at < this.#size * WORDS; at += WORDS) {
      const kind = words[at + 4] ?? 0;
      const network: IpAddress = {
        family: kind >> 8 === 4 ? 4 : 6,
        word0: words[at] ?? 0,
        word1: words[at + 1] ?? 0,
        word2: words[at + 2] ?? 0,
        word3: words[at + 3] ?? 0,
      };
      const entry = this.#entries[words[at + 5] ?? 0];
      if (entry !== undefined) yield [{ network, prefixLength: kind & 0xff }, entry];
    }
  }

  #numberOf(entry: ListEntryInput): number {
    if (entry === this.#last) return this.#lastNumber;
    let number = this.#numbers.get(entry);
    if (number === undefined) {
      number = this.#entries.length;
      this.#entries.push(entry);
      this.#numbers.set(entry, number);
    }
    this.#last = entry;
    this.#lastNumber = number;
    return number;
  }
}
