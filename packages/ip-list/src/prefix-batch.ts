import type { Cidr } from '@postern/core';

/** The bits of the 32-bit word that starts at bit `start` which a prefix of `bits` bits covers. */
export function maskAt(start: number, bits: number): number {
  const covered = bits - start;
  return covered >= 32 ? -1 : covered <= 0 ? 0 : -1 << (32 - covered);
}

const LOG_CHUNK = 16;
const CHUNK = 1 << LOG_CHUNK;
/** Of the numbers that the sort goes by: three in a word. */
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/**
 * Numbers by place, in chunks. Nothing is given back while it grows: an allocator that has seen large arrays come and go
 * keeps the memory of the next ones to itself, and a load would leave the process larger by twice the list.
 */
class Column {
  readonly #chunks: Uint32Array[] = [];

  at(place: number): number {
    return this.#chunks[place >>> LOG_CHUNK]?.[place & (CHUNK - 1)] ?? 0;
  }

  set(place: number, value: number): void {
    let chunk = this.#chunks[place >>> LOG_CHUNK];
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK);
      this.#chunks.push(chunk);
    }
    chunk[place & (CHUNK - 1)] = value;
  }
}

/**
 * Prefixes of one family on their way into a table: in columns, so that a million of them is a few arrays and no object,
 * then put in order by a radix sort, whose time depends on their number alone and not on what they are.
 */
export class PrefixBatch {
  readonly #wide: boolean;
  /** The words of the networks, the most significant first. IPv4 has the first one only. */
  readonly word0: Column = new Column();
  readonly word1: Column = new Column();
  readonly word2: Column = new Column();
  readonly word3: Column = new Column();
  readonly lengths: Column = new Column();
  /** The numbers of their entries. */
  readonly numbers: Column = new Column();
  #size = 0;

  constructor(family: 4 | 6) {
    this.#wide = family === 6;
  }

  /** Takes the network of a prefix; bits behind it are cleared. */
  add({ network, prefixLength }: Cidr, number: number): void {
    const place = this.#size++;
    this.lengths.set(place, prefixLength);
    this.numbers.set(place, number);
    if (!this.#wide) {
      this.word0.set(place, network.word3 & maskAt(0, prefixLength));
      return;
    }
    this.word0.set(place, network.word0 & maskAt(0, prefixLength));
    this.word1.set(place, network.word1 & maskAt(32, prefixLength));
    this.word2.set(place, network.word2 & maskAt(64, prefixLength));
    this.word3.set(place, network.word3 & maskAt(96, prefixLength));
  }

  /** The places by address, then by length, then as they were added. */
  order(): Uint32Array {
    const size = this.#size;
    let order = new Uint32Array(size);
    let otherOrder = new Uint32Array(size);
    for (let at = 0; at < size; at++) order[at] = at;
    let keys = new Uint32Array(size);
    let otherKeys = new Uint32Array(size);
    const sortBy = (column: Column): void => {
      for (let at = 0; at < size; at++) keys[at] = column.at(order[at] ?? 0);
      for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
        const starts = new Uint32Array(DIGITS + 1);
        for (let at = 0; at < size; at++) {
          const digit = ((keys[at] ?? 0) >>> shift) & (DIGITS - 1);
          starts[digit + 1] = (starts[digit + 1] ?? 0) + 1;
        }
        // All have the same digit here.
        if (starts.includes(size)) continue;
        for (let digit = 1; digit < DIGITS; digit++) starts[digit] = (starts[digit] ?? 0) + (starts[digit - 1] ?? 0);
        for (let at = 0; at < size; at++) {
          const key = keys[at] ?? 0;
          const digit = (key >>> shift) & (DIGITS - 1);
          const to = starts[digit] ?? 0;
          starts[digit] = to + 1;
          otherKeys[to] = key;
          otherOrder[to] = order[at] ?? 0;
        }
        [keys, otherKeys] = [otherKeys, keys];
        [order, otherOrder] = [otherOrder, order];
      }
    };
    sortBy(this.lengths);
    const columns = this.#wide ? [this.word3, this.word2, this.word1, this.word0] : [this.word0];
    for (const column of columns) sortBy(column);
    return order;
  }
}
