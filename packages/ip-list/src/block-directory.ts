/** The directory has at most so many bits. */
const DIRECTORY_BITS = 16;

function grown(column: Uint32Array, length: number): Uint32Array {
  const larger = new Uint32Array(length);
  larger.set(column);
  return larger;
}

/**
 * The blocks of a `PrefixTable` in the order of what they hold: which block is at which rank, and the first word that each
 * begins with. A directory by the first 16 bits of an address, fewer while there are few blocks, says at once between which
 * ranks to search.
 */
export class BlockDirectory {
  /** By rank: the block, and the first word of its first prefix. */
  order: Uint32Array;
  firsts: Uint32Array;
  /** How many blocks are in order. */
  ranks = 0;
  /** Blocks that are in no rank. */
  #free: number[] = [];
  /** For each value of the first bits: how many ranks begin with a lower one. */
  #starts: Uint32Array = new Uint32Array(3);
  #shift = 31;

  /** As many blocks, each at the rank of its number, which begin with these words. */
  constructor(firsts: Uint32Array) {
    this.firsts = firsts;
    this.order = Uint32Array.from(firsts.keys());
    this.ranks = firsts.length;
    this.#makeStarts();
  }

  clone(): BlockDirectory {
    const copy = new BlockDirectory(new Uint32Array(0));
    copy.firsts = this.firsts.slice();
    copy.order = this.order.slice();
    copy.ranks = this.ranks;
    copy.#free = [...this.#free];
    copy.#makeStarts();
    return copy;
  }

  /** Blocks of a lower rank begin before all prefixes that begin with this word. */
  lowest(word: number): number {
    return this.#starts[word >>> this.#shift] ?? 0;
  }

  /** Blocks of this rank and higher ones begin behind all prefixes that begin with this word. */
  highest(word: number): number {
    return this.#starts[(word >>> this.#shift) + 1] ?? 0;
  }

  blockAt(rank: number): number {
    return this.order[rank] ?? 0;
  }

  /** Puts a block that is not in order at this rank, where a prefix with that first word is to be: the block. */
  insert(rank: number, first: number): number {
    const block = this.#free.pop() ?? this.ranks;
    if (this.ranks === this.order.length) {
      const length = Math.ceil(this.ranks * 1.5) + 1;
      this.order = grown(this.order, length);
      this.firsts = grown(this.firsts, length);
    }
    this.order.copyWithin(rank + 1, rank, this.ranks);
    this.firsts.copyWithin(rank + 1, rank, this.ranks);
    this.order[rank] = block;
    this.firsts[rank] = first;
    this.ranks++;
    if (this.ranks > this.#starts.length && this.#shift > 32 - DIRECTORY_BITS) this.#makeStarts();
    else this.#shiftStarts(first >>> this.#shift, this.#starts.length, 1);
    return block;
  }

  remove(rank: number): void {
    const first = this.firsts[rank] ?? 0;
    this.#free.push(this.blockAt(rank));
    this.order.copyWithin(rank, rank + 1, this.ranks);
    this.firsts.copyWithin(rank, rank + 1, this.ranks);
    this.ranks--;
    this.#shiftStarts(first >>> this.#shift, this.#starts.length, -1);
  }

  /** The block at this rank begins with another word than before. */
  setFirst(rank: number, first: number): void {
    const before = (this.firsts[rank] ?? 0) >>> this.#shift;
    const after = first >>> this.#shift;
    this.firsts[rank] = first;
    if (after > before) this.#shiftStarts(before, after + 1, -1);
    else this.#shiftStarts(after, before + 1, 1);
  }

  /** Adds to the directory behind `from` up to before `to`. */
  #shiftStarts(from: number, to: number, by: 1 | -1): void {
    for (let at = from + 1; at < to; at++) this.#starts[at] = (this.#starts[at] ?? 0) + by;
  }

  #makeStarts(): void {
    const bits = Math.min(DIRECTORY_BITS, Math.max(1, 32 - Math.clz32(this.ranks)));
    this.#shift = 32 - bits;
    this.#starts = new Uint32Array(2 ** bits + 1);
    let rank = 0;
    for (let at = 0; at < this.#starts.length; at++) {
      while (rank < this.ranks && (this.firsts[rank] ?? 0) >>> this.#shift < at) rank++;
      this.#starts[at] = rank;
    }
  }
}
