import { type Cidr, formatCidr } from '@postern/core';
import { prefixText } from './prefix-text.ts';

function grown<T extends Uint8Array | Uint32Array>(column: T, larger: T): T {
  larger.set(column);
  return larger;
}

/** Prefixes of one family and the numbers of their entries by slot, in typed arrays. */
export class PrefixColumns {
  /** IPv6: four words instead of one. */
  readonly wide: boolean;
  /** Bits of an address. */
  readonly most: 32 | 128;
  /** For IPv4 the address is in the first column and the other three are empty. */
  word0: Uint32Array;
  word1: Uint32Array;
  word2: Uint32Array;
  word3: Uint32Array;
  lengths: Uint8Array;
  /** The length of the next wider prefix around it plus one; 0 when there is none. */
  parents: Uint8Array;
  numbers: Uint32Array;

  constructor(family: 4 | 6, slots: number) {
    this.wide = family === 6;
    this.most = this.wide ? 128 : 32;
    const rest = this.wide ? slots : 0;
    this.word0 = new Uint32Array(slots);
    this.word1 = new Uint32Array(rest);
    this.word2 = new Uint32Array(rest);
    this.word3 = new Uint32Array(rest);
    this.lengths = new Uint8Array(slots);
    this.parents = new Uint8Array(slots);
    this.numbers = new Uint32Array(slots);
  }

  clone(): PrefixColumns {
    const copy = new PrefixColumns(this.wide ? 6 : 4, 0);
    copy.word0 = this.word0.slice();
    copy.word1 = this.word1.slice();
    copy.word2 = this.word2.slice();
    copy.word3 = this.word3.slice();
    copy.lengths = this.lengths.slice();
    copy.parents = this.parents.slice();
    copy.numbers = this.numbers.slice();
    return copy;
  }

  grow(slots: number): void {
    const rest = this.wide ? slots : 0;
    this.word0 = grown(this.word0, new Uint32Array(slots));
    this.word1 = grown(this.word1, new Uint32Array(rest));
    this.word2 = grown(this.word2, new Uint32Array(rest));
    this.word3 = grown(this.word3, new Uint32Array(rest));
    this.lengths = grown(this.lengths, new Uint8Array(slots));
    this.parents = grown(this.parents, new Uint8Array(slots));
    this.numbers = grown(this.numbers, new Uint32Array(slots));
  }

  /** Writes all but the parent. */
  write(
    slot: number,
    word0: number,
    word1: number,
    word2: number,
    word3: number,
    length: number,
    number: number,
  ): void {
    this.word0[slot] = word0;
    if (this.wide) {
      this.word1[slot] = word1;
      this.word2[slot] = word2;
      this.word3[slot] = word3;
    }
    this.lengths[slot] = length;
    this.numbers[slot] = number;
  }

  /** Moves `count` slots, which may overlap with where they go. */
  move(to: number, from: number, count: number): void {
    this.word0.copyWithin(to, from, from + count);
    if (this.wide) {
      this.word1.copyWithin(to, from, from + count);
      this.word2.copyWithin(to, from, from + count);
      this.word3.copyWithin(to, from, from + count);
    }
    this.lengths.copyWithin(to, from, from + count);
    this.parents.copyWithin(to, from, from + count);
    this.numbers.copyWithin(to, from, from + count);
  }

  /** Whether the prefix in a slot, whose first word is the same, is behind this one. */
  behind(slot: number, word1: number, word2: number, word3: number, length: number): boolean {
    if (!this.wide) return (this.lengths[slot] ?? 0) > length;
    const second = this.word1[slot] ?? 0;
    if (second !== word1) return second > word1;
    const third = this.word2[slot] ?? 0;
    if (third !== word2) return third > word2;
    const fourth = this.word3[slot] ?? 0;
    return fourth === word3 ? (this.lengths[slot] ?? 0) > length : fourth > word3;
  }

  /** How many bits the network in a slot and an address have in common from the first one on. */
  common(slot: number, word0: number, word1: number, word2: number, word3: number): number {
    const bits = Math.clz32((this.word0[slot] ?? 0) ^ word0);
    if (bits < 32 || !this.wide) return bits;
    const second = (this.word1[slot] ?? 0) ^ word1;
    if (second !== 0) return 32 + Math.clz32(second);
    const third = (this.word2[slot] ?? 0) ^ word2;
    return third !== 0 ? 64 + Math.clz32(third) : 96 + Math.clz32((this.word3[slot] ?? 0) ^ word3);
  }

  /** Whether the prefix in one slot contains all of the longer one in another. */
  contains(slot: number, other: number): boolean {
    const length = this.lengths[slot] ?? 0;
    return (
      length < (this.lengths[other] ?? 0) &&
      this.common(
        slot,
        this.word0[other] ?? 0,
        this.word1[other] ?? 0,
        this.word2[other] ?? 0,
        this.word3[other] ?? 0,
      ) >= length
    );
  }

  cidrAt(slot: number): Cidr {
    const prefixLength = this.lengths[slot] ?? 0;
    const first = this.word0[slot] ?? 0;
    if (!this.wide) {
      return { network: { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: first }, prefixLength };
    }
    const word1 = this.word1[slot] ?? 0;
    const word2 = this.word2[slot] ?? 0;
    return { network: { family: 6, word0: first, word1, word2, word3: this.word3[slot] ?? 0 }, prefixLength };
  }

  /** The prefix in its canonical text. */
  textAt(slot: number): string {
    return this.wide ? formatCidr(this.cidrAt(slot)) : prefixText(this.word0[slot] ?? 0, this.lengths[slot] ?? 0);
  }
}
