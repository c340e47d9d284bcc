import { type Cidr, type IpAddress, networkOf } from '@postern/core';

/** A prefix is four words of address, and a fifth that no free place has: the family and the length. */
const WORDS = 5;
const SMALLEST = 64;

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function* cidrsIn(words: Uint32Array): Generator<Cidr> {
  for (let at = 0; at < words.length; at += WORDS) {
    const kind = words[at + 4] ?? 0;
    if (kind === 0) continue;
    const network: IpAddress = {
      family: kind >> 8 === 4 ? 4 : 6,
      word0: words[at] ?? 0,
      word1: words[at + 1] ?? 0,
      word2: words[at + 2] ?? 0,
      word3: words[at + 3] ?? 0,
    };
    yield { network, prefixLength: kind & 0xff };
  }
}

/** Nothing but 0 is free. */
function kindOf({ network, prefixLength }: Cidr): number {
  return (network.family << 8) | prefixLength;
}

/**
 * A set of prefixes that remembers which ones a file has had: open addressing in one typed array, 27 to 80 bytes a prefix.
 * It is thrown away with the reading, so that it is made to be small in code.
 */
export class SeenPrefixes {
  #words = new Uint32Array(SMALLEST * WORDS);
  #places = SMALLEST;
  #size = 0;
  /** Which lengths there are, as `kindOf` says them. */
  readonly #kinds = new Set<number>();
  /** So that nobody can write a file whose prefixes all fall on one place. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32);

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** `false` when it was there. */
  add(cidr: Cidr): boolean {
    const kind = kindOf(cidr);
    const at = this.#find(cidr.network, kind);
    if (this.#words[at + 4] !== 0) return false;
    this.#put(at, cidr.network, kind);
    this.#kinds.add(kind);
    if (++this.#size * 4 > this.#places * 3) this.#grow();
    return true;
  }

  has(cidr: Cidr): boolean {
    return this.#words[this.#find(cidr.network, kindOf(cidr)) + 4] !== 0;
  }

  /** Whether the prefix or a wider one is there that has at least `shortest` bits. At most one step a length. */
  covers(cidr: Cidr, shortest: number = 0): boolean {
    // The most frequent case first: the same once more.
    if (cidr.prefixLength >= shortest && this.has(cidr)) return true;
    for (const kind of this.#kinds) {
      const prefixLength = kind & 0xff;
      if (kind >> 8 !== cidr.network.family || prefixLength > cidr.prefixLength || prefixLength < shortest) continue;
      if (this.#words[this.#find(networkOf(cidr.network, prefixLength), kind) + 4] !== 0) return true;
    }
    return false;
  }

  /** In no order. */
  [Symbol.iterator](): Generator<Cidr> {
    return cidrsIn(this.#words);
  }

  #put(at: number, network: IpAddress, kind: number): void {
    this.#words[at] = network.word0;
    this.#words[at + 1] = network.word1;
    this.#words[at + 2] = network.word2;
    this.#words[at + 3] = network.word3;
    this.#words[at + 4] = kind;
  }

  /** Where the prefix is, or the free place where it belongs. */
  #find(network: IpAddress, kind: number): number {
    const words = this.#words;
    const hash = mix(mix(mix(mix(this.#seed ^ kind, network.word0), network.word1), network.word2), network.word3);
    const last = this.#places - 1;
    for (let place = hash & last; ; place = (place + 1) & last) {
      const at = place * WORDS;
      const there = words[at + 4];
      if (
        there === 0 ||
        (there === kind &&
          words[at + 3] === network.word3 &&
          words[at + 2] === network.word2 &&
          words[at + 1] === network.word1 &&
          words[at] === network.word0)
      ) {
        return at;
      }
    }
  }

  #grow(): void {
    const all = cidrsIn(this.#words);
    this.#places *= 2;
    this.#words = new Uint32Array(this.#places * WORDS);
    for (const cidr of all) this.#put(this.#find(cidr.network, kindOf(cidr)), cidr.network, kindOf(cidr));
  }
}
