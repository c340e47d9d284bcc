import type { Cidr, IpAddress } from '@postern/core';
import { BlockDirectory } from './block-directory.ts';
import { maskAt, type PrefixBatch } from './prefix-batch.ts';
import { PrefixColumns } from './prefix-columns.ts';
import { PrefixFilter } from './prefix-filter.ts';
import { RecentPlaces } from './recent-places.ts';

/** Slots of a block, and their number's logarithm. */
const SLOTS = 32;
const LOG_SLOTS = 5;
/** So many slots of a block are filled when a table is made at once: the next additions find room. */
const FILLED = 28;
/** Two neighbours with so many prefixes together become one block. */
const MERGED = 16;

/**
 * The prefixes of one family, each with the number of its entry, in the order of their addresses, a wider prefix before the
 * longer ones that begin where it begins.
 *
 * They stand in blocks of 32 slots, in columns of typed arrays; a list of the blocks in order and a directory by the first
 * 16 bits find the block. An addition moves at most one block's slots, so it never rebuilds anything large. A filter of two
 * to four bytes a prefix answers most misses before any search.
 *
 * Prefixes nest or are apart, they never overlap in part. So the longest prefix that contains an address is the last one
 * that does not begin behind it, or a prefix around that one. Each prefix keeps the length of the next wider prefix around
 * it: most have none, and then one search is the whole lookup, hit or miss.
 *
 * Measured against it, 900,000 IPv4 prefixes, in one run: a hash table for each prefix length (15.8 bytes a prefix and as
 * many cache misses as there are lengths: about half the lookups/s of blocks without the filter), and sorted ranges (5.6 bytes,
 * neither entries nor changes; some 20 steps: 0.5 to 0.7 of it). The filter makes misses 3 to 4 times as fast, and costs
 * hits nothing that can be measured. Blocks of 16, 32 and 64 slots are equally fast within the noise; interleaved columns
 * are slower. A table of all /24 would take 64 MB.
 *
 * A place is a number that a method gives and that the others take, until the table changes.
 */
export class PrefixTable {
  readonly #family: 4 | 6;
  #columns: PrefixColumns;
  /** By block: how many slots are used, from the first one on. */
  #counts: Uint8Array;
  #directory: BlockDirectory;
  #filter: PrefixFilter;
  readonly #recent: RecentPlaces;
  /** So many prefixes were deleted since the filter was made: their bits still stand in it. */
  #deleted = 0;
  #size = 0;

  constructor(family: 4 | 6) {
    this.#family = family;
    this.#columns = new PrefixColumns(family, 0);
    this.#counts = new Uint8Array(0);
    this.#directory = new BlockDirectory(new Uint32Array(0));
    this.#filter = new PrefixFilter(0, family === 6);
    this.#recent = new RecentPlaces(family === 6);
  }

  /** A table of a batch, of several equal prefixes the last one; `replaced` gets the numbers of the others. */
  static of(family: 4 | 6, batch: PrefixBatch, replaced: (number: number) => void): PrefixTable {
    const order = batch.order();
    const { word0, word1, word2, word3, lengths, numbers } = batch;
    const columns = family === 4 ? [lengths, word0] : [lengths, word3, word2, word1, word0];
    const differ = (one: number, other: number): boolean => columns.some((each) => each.at(one) !== each.at(other));
    let count = 0;
    for (let place = 0; place < order.length; place++) {
      const at = order[place] ?? 0;
      if (place + 1 < order.length && !differ(at, order[place + 1] ?? 0)) replaced(numbers.at(at));
      else order[count++] = at;
    }

    const blocks = Math.ceil(count / FILLED);
    const filled = new PrefixColumns(family, blocks * SLOTS);
    const counts = new Uint8Array(blocks);
    const firsts = new Uint32Array(blocks);
    /** The slots of the prefixes around the one before, the widest first, and that one. */
    const around: number[] = [];
    for (let place = 0; place < count; place++) {
      const at = order[place] ?? 0;
      const block = Math.floor(place / FILLED);
      const offset = place % FILLED;
      const slot = block * SLOTS + offset;
      filled.write(slot, word0.at(at), word1.at(at), word2.at(at), word3.at(at), lengths.at(at), numbers.at(at));
      if (offset === 0) firsts[block] = word0.at(at);
      counts[block] = offset + 1;
      let parent = around.at(-1);
      while (parent !== undefined && !filled.contains(parent, slot)) {
        around.pop();
        parent = around.at(-1);
      }
      filled.parents[slot] = parent === undefined ? 0 : (filled.lengths[parent] ?? 0) + 1;
      around.push(slot);
    }
    const table = new PrefixTable(family);
    table.#columns = filled;
    table.#counts = counts;
    table.#directory = new BlockDirectory(firsts);
    table.#size = count;
    table.#makeFilter();
    return table;
  }

  clone(): PrefixTable {
    const copy = new PrefixTable(this.#family);
    copy.#columns = this.#columns.clone();
    copy.#counts = this.#counts.slice();
    copy.#directory = this.#directory.clone();
    copy.#size = this.#size;
    copy.#makeFilter();
    return copy;
  }

  get size(): number {
    return this.#size;
  }

  /** The place of the longest prefix that contains the address, -1 for none. */
  find(ip: IpAddress): number {
    const columns = this.#columns;
    const { wide } = columns;
    const first = wide ? ip.word0 : ip.word3;
    if (!this.#filter.mayContain(first)) return -1;
    const word1 = wide ? ip.word1 : 0;
    const word2 = wide ? ip.word2 : 0;
    const word3 = wide ? ip.word3 : 0;
    const known = this.#recent.get(first, word1, word2, word3);
    if (known !== undefined) return known;
    const place = this.#search(first, word1, word2, word3);
    this.#recent.keep(first, word1, word2, word3, place);
    return place;
  }

  /** The place of the next wider prefix around the one at `place`, -1 for none. */
  parent(place: number): number {
    return this.#around(this.#slotOf(place), this.#columns.most);
  }

  /** The place of exactly this prefix, whose host bits are clear; -1 when it is not there. */
  exact({ network, prefixLength }: Cidr): number {
    return this.#columns.wide
      ? this.#exact(network.word0, network.word1, network.word2, network.word3, prefixLength)
      : this.#exact(network.word3, 0, 0, 0, prefixLength);
  }

  /** The place of the first prefix behind this one, or of the first of all; -1 for none. */
  after(cidr: Cidr | undefined): number {
    if (cidr === undefined) return this.#size === 0 ? -1 : 0;
    const { network, prefixLength } = cidr;
    const before = this.#columns.wide
      ? this.#before(network.word0, network.word1, network.word2, network.word3, prefixLength)
      : this.#before(network.word3, 0, 0, 0, prefixLength);
    return before < 0 ? this.after(undefined) : this.next(before);
  }

  /** The place behind this one, -1 for none. */
  next(place: number): number {
    const rank = place >>> LOG_SLOTS;
    if ((place & (SLOTS - 1)) + 1 < (this.#counts[this.#directory.blockAt(rank)] ?? 0)) return place + 1;
    return rank + 1 < this.#directory.ranks ? (rank + 1) << LOG_SLOTS : -1;
  }

  numberAt(place: number): number {
    return this.#columns.numbers[this.#slotOf(place)] ?? 0;
  }

  cidrAt(place: number): Cidr {
    return this.#columns.cidrAt(this.#slotOf(place));
  }

  /** The prefix in its canonical text. */
  textAt(place: number): string {
    return this.#columns.textAt(this.#slotOf(place));
  }

  /** Adds a prefix, or gives it another entry: then the number before, else -1. */
  set({ network, prefixLength }: Cidr, number: number): number {
    const wide = this.#columns.wide;
    const word0 = wide ? network.word0 : network.word3;
    const word1 = wide ? network.word1 : 0;
    const word2 = wide ? network.word2 : 0;
    const word3 = wide ? network.word3 : 0;
    const before = this.#before(word0, word1, word2, word3, prefixLength);
    let parent = 0;
    if (before >= 0) {
      const slot = this.#slotOf(before);
      const common = this.#columns.common(slot, word0, word1, word2, word3);
      const length = this.#columns.lengths[slot] ?? 0;
      if (common === this.#columns.most && length === prefixLength) {
        const replaced = this.#columns.numbers[slot] ?? 0;
        this.#columns.numbers[slot] = number;
        return replaced;
      }
      if (length <= common) {
        parent = length + 1;
      } else {
        const around = this.#around(slot, common);
        if (around >= 0) parent = (this.#columns.lengths[this.#slotOf(around)] ?? 0) + 1;
      }
    }
    this.#recent.clear();
    const place = this.#open(before);
    const slot = this.#slotOf(place);
    this.#columns.write(slot, word0, word1, word2, word3, prefixLength, number);
    this.#columns.parents[slot] = parent;
    if (place % SLOTS === 0) this.#directory.setFirst(place >>> LOG_SLOTS, word0);
    this.#adopt(place, parent, prefixLength + 1);
    this.#size++;
    if (this.#size > this.#filter.capacity) this.#makeFilter();
    else this.#filter.mark(word0, prefixLength);
    return -1;
  }

  /** Takes out a prefix: the number of its entry, -1 when it is not there. */
  remove(cidr: Cidr): number {
    const place = this.exact(cidr);
    if (place < 0) return -1;
    this.#recent.clear();
    const slot = this.#slotOf(place);
    const number = this.#columns.numbers[slot] ?? 0;
    this.#adopt(place, cidr.prefixLength + 1, this.#columns.parents[slot] ?? 0);
    this.#close(place);
    this.#size--;
    this.#deleted++;
    if (this.#deleted > this.#size + SLOTS) this.#makeFilter();
    return number;
  }

  #search(word0: number, word1: number, word2: number, word3: number): number {
    const columns = this.#columns;
    const place = this.#before(word0, word1, word2, word3, columns.most);
    if (place < 0) return -1;
    const slot = this.#slotOf(place);
    const common = columns.common(slot, word0, word1, word2, word3);
    if ((columns.lengths[slot] ?? 0) <= common) return place;
    return columns.parents[slot] === 0 ? -1 : this.#around(slot, common);
  }

  #slotOf(place: number): number {
    return (this.#directory.blockAt(place >>> LOG_SLOTS) << LOG_SLOTS) | (place & (SLOTS - 1));
  }

  /** The place of the last prefix that is not behind this one, which need not be there; -1 for none. */
  #before(word0: number, word1: number, word2: number, word3: number, length: number): number {
    const columns = this.#columns;
    const { firsts, order } = this.#directory;
    let low = this.#directory.lowest(word0);
    let high = this.#directory.highest(word0);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = firsts[middle] ?? 0;
      if (
        first < word0 ||
        (first === word0 && !columns.behind((order[middle] ?? 0) << LOG_SLOTS, word1, word2, word3, length))
      ) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low === 0) return -1;
    const block = order[low - 1] ?? 0;
    const start = block << LOG_SLOTS;
    const column = columns.word0;
    // The first slot is not behind.
    let at = start;
    let count = this.#counts[block] ?? 0;
    while (count > 1) {
      const half = count >>> 1;
      const word = column[at + half] ?? 0;
      if (word < word0 || (word === word0 && !columns.behind(at + half, word1, word2, word3, length))) at += half;
      count -= half;
    }
    return ((low - 1) << LOG_SLOTS) | (at - start);
  }

  /** The place of the longest prefix around the one in a slot that has at most `bits` bits, -1 for none. */
  #around(slot: number, bits: number): number {
    for (let at = slot; ; ) {
      const length = (this.#columns.parents[at] ?? 0) - 1;
      if (length < 0) return -1;
      const place = this.#exact(
        ((this.#columns.word0[slot] ?? 0) & maskAt(0, length)) >>> 0,
        ((this.#columns.word1[slot] ?? 0) & maskAt(32, length)) >>> 0,
        ((this.#columns.word2[slot] ?? 0) & maskAt(64, length)) >>> 0,
        ((this.#columns.word3[slot] ?? 0) & maskAt(96, length)) >>> 0,
        length,
      );
      if (length <= bits || place < 0) return place;
      at = this.#slotOf(place);
    }
  }

  #exact(word0: number, word1: number, word2: number, word3: number, length: number): number {
    const place = this.#before(word0, word1, word2, word3, length);
    if (place < 0) return -1;
    const slot = this.#slotOf(place);
    return this.#columns.lengths[slot] === length &&
      this.#columns.common(slot, word0, word1, word2, word3) === this.#columns.most
      ? place
      : -1;
  }

  /** Of the prefixes in the one at `place`, those right inside of `from` are now right inside of `to`. */
  #adopt(place: number, from: number, to: number): void {
    const outer = this.#slotOf(place);
    for (let at = this.next(place); at >= 0; at = this.next(at)) {
      const slot = this.#slotOf(at);
      if (!this.#columns.contains(outer, slot)) return;
      if (this.#columns.parents[slot] === from) this.#columns.parents[slot] = to;
    }
  }

  /** Makes an empty slot behind the one at `before`, or in front of all: its place. */
  #open(before: number): number {
    if (this.#directory.ranks === 0) this.#insertBlock(0, 0);
    let rank = before < 0 ? 0 : before >>> LOG_SLOTS;
    let offset = before < 0 ? 0 : (before & (SLOTS - 1)) + 1;
    let block = this.#directory.blockAt(rank);
    let count = this.#counts[block] ?? 0;
    if (count === SLOTS) {
      // What comes in order fills its blocks; else half of the block makes room.
      const kept = offset === SLOTS && rank + 1 === this.#directory.ranks ? SLOTS : SLOTS / 2;
      const last = (block << LOG_SLOTS) | (kept - 1);
      const first = kept === SLOTS ? (this.#columns.word0[last] ?? 0) : (this.#columns.word0[last + 1] ?? 0);
      const added = this.#insertBlock(rank + 1, first);
      this.#columns.move(added << LOG_SLOTS, last + 1, SLOTS - kept);
      this.#counts[added] = SLOTS - kept;
      this.#counts[block] = kept;
      count = kept;
      if (offset > kept || kept === SLOTS) {
        rank++;
        offset -= kept;
        block = added;
        count = SLOTS - kept;
      }
    }
    const slot = (block << LOG_SLOTS) | offset;
    this.#columns.move(slot + 1, slot, count - offset);
    this.#counts[block] = count + 1;
    return (rank << LOG_SLOTS) | offset;
  }

  /** Takes the slot at `place` away. */
  #close(place: number): void {
    const rank = place >>> LOG_SLOTS;
    const block = this.#directory.blockAt(rank);
    const count = (this.#counts[block] ?? 0) - 1;
    const slot = this.#slotOf(place);
    this.#columns.move(slot, slot + 1, count - (place & (SLOTS - 1)));
    this.#counts[block] = count;
    if (count === 0) {
      this.#directory.remove(rank);
      return;
    }
    if ((place & (SLOTS - 1)) === 0) this.#directory.setFirst(rank, this.#columns.word0[slot] ?? 0);
    if (rank + 1 < this.#directory.ranks && count + this.#countOf(rank + 1) <= MERGED) this.#merge(rank);
    else if (rank > 0 && count + this.#countOf(rank - 1) <= MERGED) this.#merge(rank - 1);
  }

  #countOf(rank: number): number {
    return this.#counts[this.#directory.blockAt(rank)] ?? 0;
  }

  /** Moves the next block's prefixes into this one. */
  #merge(rank: number): void {
    const block = this.#directory.blockAt(rank);
    const count = this.#countOf(rank);
    const added = this.#countOf(rank + 1);
    this.#columns.move((block << LOG_SLOTS) | count, this.#directory.blockAt(rank + 1) << LOG_SLOTS, added);
    this.#counts[block] = count + added;
    this.#directory.remove(rank + 1);
  }

  /** Puts an empty block at this rank, where a prefix with that first word is to be: the block. */
  #insertBlock(rank: number, first: number): number {
    const block = this.#directory.insert(rank, first);
    if (block === this.#counts.length) {
      const counts = new Uint8Array(Math.ceil(block * 1.5) + 1);
      counts.set(this.#counts);
      this.#counts = counts;
      this.#columns.grow(counts.length * SLOTS);
    }
    return block;
  }

  #makeFilter(): void {
    const filter = new PrefixFilter(this.#size, this.#columns.wide);
    for (let rank = 0; rank < this.#directory.ranks; rank++) {
      const start = this.#directory.blockAt(rank) << LOG_SLOTS;
      for (let slot = start; slot < start + this.#countOf(rank); slot++) {
        // What stands in a wider prefix is marked with that one.
        if (this.#columns.parents[slot] === 0)
          filter.mark(this.#columns.word0[slot] ?? 0, this.#columns.lengths[slot] ?? 0);
      }
    }
    this.#filter = filter;
    this.#deleted = 0;
  }
}
