import type { Cidr } from '@postern/core';

/** The bits of the 32-bit word that starts at bit `start` which a prefix of `bits` bits covers. */
export function maskAt(start: number, bits: number): number {
  const covered = bits - start;
  return covered >= 32 ? -1 : covered <= 0 ? 0 : -1 << (32 - covered);
}

function grown(words: Uint32Array, count: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(count);
  larger.set(words);
  return larger;
}

/**
 * Prefixes of one family on their way into a table: in columns, so that a million of them is a few arrays and no object,
 * then put in order by a radix sort, whose time depends on their number alone and not on what they are.
 */
export class PrefixBatch {
  /** The words of the networks from the most significant one on: one for IPv4, four for IPv6. */
  readonly words: Uint32Array[];
  lengths: Uint8Array = new Uint8Array(16);
  /** Of each prefix the number of its entry. */
  numbers: Uint32Array = new Uint32Array(16);
  size = 0;

  constructor(family: 4 | 6) {
    this.words = Array.from({ length: family === 4 ? 1 : 4 }, () => new Uint32Array(16));
  }

  /** Takes the network of a prefix; bits behind it are cleared. */
  add({ network, prefixLength }: Cidr, number: number): void {
    const at = this.size++;
    if (at === this.lengths.length) this.#grow(at * 2);
    this.lengths[at] = prefixLength;
    this.numbers[at] = number;
    const [first, second, third, fourth] = this.words;
    if (first === undefined) return;
    if (second === undefined || third === undefined || fourth === undefined) {
      first[at] = network.word3 & maskAt(0, prefixLength);
      return;
    }
    first[at] = network.word0 & maskAt(0, prefixLength);
    second[at] = network.word1 & maskAt(32, prefixLength);
    third[at] = network.word2 & maskAt(64, prefixLength);
    fourth[at] = network.word3 & maskAt(96, prefixLength);
  }

  /** The prefixes by address, then by length, then as they were added. */
  order(): Uint32Array {
    let order = new Uint32Array(this.size);
    let other = new Uint32Array(this.size);
    for (let at = 0; at < this.size; at++) order[at] = at;
    const sortBy = (column: Uint32Array | Uint8Array, shift: number): void => {
      const starts = new Uint32Array(257);
      for (let at = 0; at < this.size; at++) {
        const digit = ((column[at] ?? 0) >>> shift) & 255;
        starts[digit + 1] = (starts[digit + 1] ?? 0) + 1;
      }
      // All have the same digit here.
      if (starts.includes(this.size)) return;
      for (let digit = 1; digit < 256; digit++) starts[digit] = (starts[digit] ?? 0) + (starts[digit - 1] ?? 0);
      for (let place = 0; place < this.size; place++) {
        const at = order[place] ?? 0;
        const digit = ((column[at] ?? 0) >>> shift) & 255;
        const to = starts[digit] ?? 0;
        other[to] = at;
        starts[digit] = to + 1;
      }
      [order, other] = [other, order];
    };
    sortBy(this.lengths, 0);
    for (const column of this.words.toReversed()) {
      for (let shift = 0; shift < 32; shift += 8) sortBy(column, shift);
    }
    return order;
  }

  #grow(count: number): void {
    const lengths = new Uint8Array(count);
    lengths.set(this.lengths);
    this.lengths = lengths;
    this.numbers = grown(this.numbers, count);
    for (const [index, column] of this.words.entries()) this.words[index] = grown(column, count);
  }
}
