import { type Cidr, formatCidr, type IpAddress } from '@postern/core';
import { maskAt, type PrefixBatch } from './prefix-batch.ts';
import { PrefixFilter } from './prefix-filter.ts';

/** Slots of a block, and their number's logarithm. */
const SLOTS = 32;
const LOG_SLOTS = 5;
/** So many slots of a block are filled when a table is made at once: the next additions find room. */
const FILLED = 28;
/** Two neighbours with so many prefixes together become one block. */
const MERGED = 16;
/** The directory has at most so many bits. */
const DIRECTORY_BITS = 16;

function grown<T extends Uint8Array | Uint32Array>(column: T, larger: T): T {
  larger.set(column);
  return larger;
}

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
  /** IPv6: four words instead of one. */
  readonly #wide: boolean;
  /** Bits of an address. */
  readonly #most: 32 | 128;
  /** By slot. For IPv4 the address is in the first column and the other three are empty. */
  #word0: Uint32Array;
  #word1: Uint32Array;
  #word2: Uint32Array;
  #word3: Uint32Array;
  #lengths: Uint8Array;
  /** The length of the next wider prefix around it plus one; 0 when there is none. */
  #parents: Uint8Array;
  #numbers: Uint32Array;
  /** By block: how many slots are used, from the first one on. */
  #counts: Uint8Array;
  /** By rank: the block, and the first word of its first prefix. */
  #order: Uint32Array;
  #firsts: Uint32Array;
  #ranks = 0;
  /** Blocks that are in no rank. */
  #free: number[] = [];
  /** For each value of the first bits: how many ranks begin with a lower one. */
  #directory: Uint32Array = new Uint32Array(3);
  #directoryShift = 31;
  #filter: PrefixFilter;
  /** So many prefixes were deleted since the filter was made: their bits still stand in it. */
  #deleted = 0;
  #size = 0;

  constructor(family: 4 | 6, blocks: number = 0) {
    this.#wide = family === 6;
    this.#most = this.#wide ? 128 : 32;
    const slots = blocks * SLOTS;
    const rest = this.#wide ? slots : 0;
    this.#word0 = new Uint32Array(slots);
    this.#word1 = new Uint32Array(rest);
    this.#word2 = new Uint32Array(rest);
    this.#word3 = new Uint32Array(rest);
    this.#lengths = new Uint8Array(slots);
    this.#parents = new Uint8Array(slots);
    this.#numbers = new Uint32Array(slots);
    this.#counts = new Uint8Array(blocks);
    this.#order = new Uint32Array(blocks);
    this.#firsts = new Uint32Array(blocks);
    this.#filter = new PrefixFilter(0, this.#wide);
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

    const table = new PrefixTable(family, Math.ceil(count / FILLED));
    /** The slots of the prefixes around the one before, the widest first, and that one. */
    const around: number[] = [];
    for (let place = 0; place < count; place++) {
      const at = order[place] ?? 0;
      const rank = Math.floor(place / FILLED);
      const slot = rank * SLOTS + (place % FILLED);
      const first = word0.at(at);
      table.#write(slot, first, word1.at(at), word2.at(at), word3.at(at), lengths.at(at), numbers.at(at));
      if (slot % SLOTS === 0) {
        table.#order[rank] = rank;
        table.#firsts[rank] = first;
      }
      table.#counts[rank] = (slot % SLOTS) + 1;
      let parent = around.at(-1);
      while (parent !== undefined && !table.#contains(parent, slot)) {
        around.pop();
        parent = around.at(-1);
      }
      table.#parents[slot] = parent === undefined ? 0 : (table.#lengths[parent] ?? 0) + 1;
      around.push(slot);
    }
    table.#ranks = table.#order.length;
    table.#size = count;
    table.#makeDirectory();
    table.#makeFilter();
    return table;
  }

  clone(): PrefixTable {
    const copy = new PrefixTable(this.#wide ? 6 : 4);
    copy.#word0 = this.#word0.slice();
    copy.#word1 = this.#word1.slice();
    copy.#word2 = this.#word2.slice();
    copy.#word3 = this.#word3.slice();
    copy.#lengths = this.#lengths.slice();
    copy.#parents = this.#parents.slice();
    copy.#numbers = this.#numbers.slice();
    copy.#counts = this.#counts.slice();
    copy.#order = this.#order.slice();
    copy.#firsts = this.#firsts.slice();
    copy.#ranks = this.#ranks;
    copy.#free = [...this.#free];
    copy.#size = this.#size;
    copy.#makeDirectory();
    copy.#makeFilter();
    return copy;
  }

  get size(): number {
    return this.#size;
  }

  /** The place of the longest prefix that contains the address, -1 for none. */
  find(ip: IpAddress): number {
    const wide = this.#wide;
    const first = wide ? ip.word0 : ip.word3;
    if (!this.#filter.mayContain(first)) return -1;
    const word1 = wide ? ip.word1 : 0;
    const word2 = wide ? ip.word2 : 0;
    const word3 = wide ? ip.word3 : 0;
    const place = this.#before(first, word1, word2, word3, this.#most);
    if (place < 0) return -1;
    const slot = this.#slotOf(place);
    const common = this.#common(slot, first, word1, word2, word3);
    if ((this.#lengths[slot] ?? 0) <= common) return place;
    return this.#parents[slot] === 0 ? -1 : this.#around(slot, common);
  }

  /** The place of the next wider prefix around the one at `place`, -1 for none. */
  parent(place: number): number {
    return this.#around(this.#slotOf(place), this.#most);
  }

  /** The place of exactly this prefix, whose host bits are clear; -1 when it is not there. */
  exact({ network, prefixLength }: Cidr): number {
    return this.#wide
      ? this.#exact(network.word0, network.word1, network.word2, network.word3, prefixLength)
      : this.#exact(network.word3, 0, 0, 0, prefixLength);
  }

  /** The place of the first prefix behind this one, or of the first of all; -1 for none. */
  after(cidr: Cidr | undefined): number {
    if (cidr === undefined) return this.#size === 0 ? -1 : 0;
    const { network, prefixLength } = cidr;
    const before = this.#wide
      ? this.#before(network.word0, network.word1, network.word2, network.word3, prefixLength)
      : this.#before(network.word3, 0, 0, 0, prefixLength);
    return before < 0 ? this.after(undefined) : this.next(before);
  }

  /** The place behind this one, -1 for none. */
  next(place: number): number {
    const rank = place >>> LOG_SLOTS;
    if ((place & (SLOTS - 1)) + 1 < (this.#counts[this.#order[rank] ?? 0] ?? 0)) return place + 1;
    return rank + 1 < this.#ranks ? (rank + 1) << LOG_SLOTS : -1;
  }

  numberAt(place: number): number {
    return this.#numbers[this.#slotOf(place)] ?? 0;
  }

  cidrAt(place: number): Cidr {
    const slot = this.#slotOf(place);
    const prefixLength = this.#lengths[slot] ?? 0;
    const first = this.#word0[slot] ?? 0;
    if (!this.#wide) {
      return { network: { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: first }, prefixLength };
    }
    const word1 = this.#word1[slot] ?? 0;
    const word2 = this.#word2[slot] ?? 0;
    return { network: { family: 6, word0: first, word1, word2, word3: this.#word3[slot] ?? 0 }, prefixLength };
  }

  /** The prefix in its canonical text. */
  textAt(place: number): string {
    if (this.#wide) return formatCidr(this.cidrAt(place));
    // On the path of each hit: without the objects of `cidrAt`.
    const slot = this.#slotOf(place);
    const quad = this.#word0[slot] ?? 0;
    return `${quad >>> 24}.${(quad >>> 16) & 255}.${(quad >>> 8) & 255}.${quad & 255}/${this.#lengths[slot] ?? 0}`;
  }

  /** Adds a prefix, or gives it another entry: then the number before, else -1. */
  set({ network, prefixLength }: Cidr, number: number): number {
    const wide = this.#wide;
    const word0 = wide ? network.word0 : network.word3;
    const word1 = wide ? network.word1 : 0;
    const word2 = wide ? network.word2 : 0;
    const word3 = wide ? network.word3 : 0;
    const before = this.#before(word0, word1, word2, word3, prefixLength);
    let parent = 0;
    if (before >= 0) {
      const slot = this.#slotOf(before);
      const common = this.#common(slot, word0, word1, word2, word3);
      const length = this.#lengths[slot] ?? 0;
      if (common === this.#most && length === prefixLength) {
        const replaced = this.#numbers[slot] ?? 0;
        this.#numbers[slot] = number;
        return replaced;
      }
      if (length <= common) {
        parent = length + 1;
      } else {
        const around = this.#around(slot, common);
        if (around >= 0) parent = (this.#lengths[this.#slotOf(around)] ?? 0) + 1;
      }
    }
    const place = this.#open(before);
    const slot = this.#slotOf(place);
    this.#write(slot, word0, word1, word2, word3, prefixLength, number);
    this.#parents[slot] = parent;
    if (place % SLOTS === 0) this.#setFirst(place >>> LOG_SLOTS, word0);
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
    const slot = this.#slotOf(place);
    const number = this.#numbers[slot] ?? 0;
    this.#adopt(place, cidr.prefixLength + 1, this.#parents[slot] ?? 0);
    this.#close(place);
    this.#size--;
    this.#deleted++;
    if (this.#deleted > this.#size + SLOTS) this.#makeFilter();
    return number;
  }

  #slotOf(place: number): number {
    return ((this.#order[place >>> LOG_SLOTS] ?? 0) << LOG_SLOTS) | (place & (SLOTS - 1));
  }

  /** The place of the last prefix that is not behind this one, which need not be there; -1 for none. */
  #before(word0: number, word1: number, word2: number, word3: number, length: number): number {
    const bucket = word0 >>> this.#directoryShift;
    // Blocks of a lower rank than `low` begin before, those from `high` on behind.
    let low = this.#directory[bucket] ?? 0;
    let high = this.#directory[bucket + 1] ?? 0;
    const firsts = this.#firsts;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = firsts[middle] ?? 0;
      if (
        first < word0 ||
        (first === word0 && !this.#behind((this.#order[middle] ?? 0) << LOG_SLOTS, word1, word2, word3, length))
      ) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low === 0) return -1;
    const block = this.#order[low - 1] ?? 0;
    const start = block << LOG_SLOTS;
    const column = this.#word0;
    // The first slot is not behind.
    let at = start;
    let count = this.#counts[block] ?? 0;
    while (count > 1) {
      const half = count >>> 1;
      const word = column[at + half] ?? 0;
      if (word < word0 || (word === word0 && !this.#behind(at + half, word1, word2, word3, length))) at += half;
      count -= half;
    }
    return ((low - 1) << LOG_SLOTS) | (at - start);
  }

  /** Whether the prefix in a slot, whose first word is the same, is behind this one. */
  #behind(slot: number, word1: number, word2: number, word3: number, length: number): boolean {
    if (!this.#wide) return (this.#lengths[slot] ?? 0) > length;
    const second = this.#word1[slot] ?? 0;
    if (second !== word1) return second > word1;
    const third = this.#word2[slot] ?? 0;
    if (third !== word2) return third > word2;
    const fourth = this.#word3[slot] ?? 0;
    return fourth === word3 ? (this.#lengths[slot] ?? 0) > length : fourth > word3;
  }

  /** How many bits the network in a slot and an address have in common from the first one on. */
  #common(slot: number, word0: number, word1: number, word2: number, word3: number): number {
    const bits = Math.clz32((this.#word0[slot] ?? 0) ^ word0);
    if (bits < 32 || !this.#wide) return bits;
    const second = (this.#word1[slot] ?? 0) ^ word1;
    if (second !== 0) return 32 + Math.clz32(second);
    const third = (this.#word2[slot] ?? 0) ^ word2;
    return third !== 0 ? 64 + Math.clz32(third) : 96 + Math.clz32((this.#word3[slot] ?? 0) ^ word3);
  }

  /** The place of the longest prefix around the one in a slot that has at most `bits` bits, -1 for none. */
  #around(slot: number, bits: number): number {
    for (let at = slot; ; ) {
      const length = (this.#parents[at] ?? 0) - 1;
      if (length < 0) return -1;
      const place = this.#exact(
        ((this.#word0[slot] ?? 0) & maskAt(0, length)) >>> 0,
        ((this.#word1[slot] ?? 0) & maskAt(32, length)) >>> 0,
        ((this.#word2[slot] ?? 0) & maskAt(64, length)) >>> 0,
        ((this.#word3[slot] ?? 0) & maskAt(96, length)) >>> 0,
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
    return this.#lengths[slot] === length && this.#common(slot, word0, word1, word2, word3) === this.#most ? place : -1;
  }

  /** Whether the prefix in one slot contains all of the longer one in another. */
  #contains(slot: number, other: number): boolean {
    const length = this.#lengths[slot] ?? 0;
    return (
      length < (this.#lengths[other] ?? 0) &&
      this.#common(
        slot,
        this.#word0[other] ?? 0,
        this.#word1[other] ?? 0,
        this.#word2[other] ?? 0,
        this.#word3[other] ?? 0,
      ) >= length
    );
  }

  /** Of the prefixes in the one at `place`, those right inside of `from` are now right inside of `to`. */
  #adopt(place: number, from: number, to: number): void {
    const outer = this.#slotOf(place);
    for (let at = this.next(place); at >= 0; at = this.next(at)) {
      const slot = this.#slotOf(at);
      if (!this.#contains(outer, slot)) return;
      if (this.#parents[slot] === from) this.#parents[slot] = to;
    }
  }

  #write(
    slot: number,
    word0: number,
    word1: number,
    word2: number,
    word3: number,
    length: number,
    number: number,
  ): void {
    this.#word0[slot] = word0;
    if (this.#wide) {
      this.#word1[slot] = word1;
      this.#word2[slot] = word2;
      this.#word3[slot] = word3;
    }
    this.#lengths[slot] = length;
    this.#numbers[slot] = number;
  }

  /** Moves `count` slots; the columns of IPv6 words are empty for IPv4. */
  #move(to: number, from: number, count: number): void {
    this.#word0.copyWithin(to, from, from + count);
    if (this.#wide) {
      this.#word1.copyWithin(to, from, from + count);
      this.#word2.copyWithin(to, from, from + count);
      this.#word3.copyWithin(to, from, from + count);
    }
    this.#lengths.copyWithin(to, from, from + count);
    this.#parents.copyWithin(to, from, from + count);
    this.#numbers.copyWithin(to, from, from + count);
  }

  /** Makes an empty slot behind the one at `before`, or in front of all: its place. */
  #open(before: number): number {
    if (this.#ranks === 0) this.#insertRank(0, 0);
    let rank = before < 0 ? 0 : before >>> LOG_SLOTS;
    let offset = before < 0 ? 0 : (before & (SLOTS - 1)) + 1;
    let block = this.#order[rank] ?? 0;
    let count = this.#counts[block] ?? 0;
    if (count === SLOTS) {
      // What comes in order fills its blocks; else half of the block makes room.
      const kept = offset === SLOTS && rank + 1 === this.#ranks ? SLOTS : SLOTS / 2;
      const last = (block << LOG_SLOTS) | (kept - 1);
      const first = kept === SLOTS ? (this.#word0[last] ?? 0) : (this.#word0[last + 1] ?? 0);
      const added = this.#insertRank(rank + 1, first);
      this.#move(added << LOG_SLOTS, last + 1, SLOTS - kept);
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
    this.#move(slot + 1, slot, count - offset);
    this.#counts[block] = count + 1;
    return (rank << LOG_SLOTS) | offset;
  }

  /** Takes the slot at `place` away. */
  #close(place: number): void {
    const rank = place >>> LOG_SLOTS;
    const block = this.#order[rank] ?? 0;
    const count = (this.#counts[block] ?? 0) - 1;
    const slot = this.#slotOf(place);
    this.#move(slot, slot + 1, count - (place & (SLOTS - 1)));
    this.#counts[block] = count;
    if (count === 0) {
      this.#removeRank(rank);
      return;
    }
    if ((place & (SLOTS - 1)) === 0) this.#setFirst(rank, this.#word0[slot] ?? 0);
    if (rank + 1 < this.#ranks && count + this.#countOf(rank + 1) <= MERGED) this.#merge(rank);
    else if (rank > 0 && count + this.#countOf(rank - 1) <= MERGED) this.#merge(rank - 1);
  }

  #countOf(rank: number): number {
    return this.#counts[this.#order[rank] ?? 0] ?? 0;
  }

  /** Moves the next block's prefixes into this one. */
  #merge(rank: number): void {
    const block = this.#order[rank] ?? 0;
    const count = this.#countOf(rank);
    const added = this.#countOf(rank + 1);
    this.#move((block << LOG_SLOTS) | count, (this.#order[rank + 1] ?? 0) << LOG_SLOTS, added);
    this.#counts[block] = count + added;
    this.#removeRank(rank + 1);
  }

  /** Puts an empty block at this rank, where a prefix with that first word is to be: the block. */
  #insertRank(rank: number, first: number): number {
    const block = this.#free.pop() ?? this.#ranks;
    if (block === this.#counts.length) this.#grow(Math.ceil(block * 1.5) + 1);
    this.#order.copyWithin(rank + 1, rank, this.#ranks);
    this.#firsts.copyWithin(rank + 1, rank, this.#ranks);
    this.#order[rank] = block;
    this.#firsts[rank] = first;
    this.#ranks++;
    if (this.#ranks > this.#directory.length && this.#directoryShift > 32 - DIRECTORY_BITS) this.#makeDirectory();
    else this.#shiftDirectory(first >>> this.#directoryShift, this.#directory.length, 1);
    return block;
  }

  #removeRank(rank: number): void {
    const first = this.#firsts[rank] ?? 0;
    this.#free.push(this.#order[rank] ?? 0);
    this.#order.copyWithin(rank, rank + 1, this.#ranks);
    this.#firsts.copyWithin(rank, rank + 1, this.#ranks);
    this.#ranks--;
    this.#shiftDirectory(first >>> this.#directoryShift, this.#directory.length, -1);
  }

  /** The block at this rank begins with another word than before. */
  #setFirst(rank: number, first: number): void {
    const before = (this.#firsts[rank] ?? 0) >>> this.#directoryShift;
    const after = first >>> this.#directoryShift;
    this.#firsts[rank] = first;
    if (after > before) this.#shiftDirectory(before, after + 1, -1);
    else this.#shiftDirectory(after, before + 1, 1);
  }

  /** Adds to the directory behind `from` up to before `to`. */
  #shiftDirectory(from: number, to: number, by: 1 | -1): void {
    for (let at = from + 1; at < to; at++) this.#directory[at] = (this.#directory[at] ?? 0) + by;
  }

  #makeDirectory(): void {
    const bits = Math.min(DIRECTORY_BITS, Math.max(1, 32 - Math.clz32(this.#ranks)));
    this.#directoryShift = 32 - bits;
    this.#directory = new Uint32Array(2 ** bits + 1);
    let rank = 0;
    for (let at = 0; at < this.#directory.length; at++) {
      while (rank < this.#ranks && (this.#firsts[rank] ?? 0) >>> this.#directoryShift < at) rank++;
      this.#directory[at] = rank;
    }
  }

  #makeFilter(): void {
    const filter = new PrefixFilter(this.#size, this.#wide);
    for (let rank = 0; rank < this.#ranks; rank++) {
      const start = (this.#order[rank] ?? 0) << LOG_SLOTS;
      for (let slot = start; slot < start + this.#countOf(rank); slot++) {
        // What stands in a wider prefix is marked with that one.
        if (this.#parents[slot] === 0) filter.mark(this.#word0[slot] ?? 0, this.#lengths[slot] ?? 0);
      }
    }
    this.#filter = filter;
    this.#deleted = 0;
  }

  #grow(blocks: number): void {
    const slots = blocks * SLOTS;
    const rest = this.#wide ? slots : 0;
    this.#word0 = grown(this.#word0, new Uint32Array(slots));
    this.#word1 = grown(this.#word1, new Uint32Array(rest));
    this.#word2 = grown(this.#word2, new Uint32Array(rest));
    this.#word3 = grown(this.#word3, new Uint32Array(rest));
    this.#lengths = grown(this.#lengths, new Uint8Array(slots));
    this.#parents = grown(this.#parents, new Uint8Array(slots));
    this.#numbers = grown(this.#numbers, new Uint32Array(slots));
    this.#counts = grown(this.#counts, new Uint8Array(blocks));
    this.#order = grown(this.#order, new Uint32Array(blocks));
    this.#firsts = grown(this.#firsts, new Uint32Array(blocks));
  }
}
