import { randomFillSync } from 'node:crypto';

/**
 * A keyed fingerprint of 128 bits, by which a table knows its keys without keeping their text.
 *
 * It is HalfSipHash-1-3 (the short-input function of SipHash's authors, which Linux uses for its hash tables) with all four
 * words of its state drawn at random for each table, and all four as the result. Who does not know them can neither make
 * keys that fall into one place nor two keys that are taken for one: among 10 million keys two have the same fingerprint
 * with a probability below 2^-81.
 *
 * Text of which every UTF-16 unit is below 256 is hashed as one byte a unit, other text as two; the two are told apart by
 * the constant of the last step.
 */
export class KeyFingerprint {
  readonly #seed0: number;
  readonly #seed1: number;
  readonly #seed2: number;
  readonly #seed3: number;
  /** The key of the last call: several limits often count the same one, and an abuser comes again and again. */
  #key = '';
  #scope = 0;
  /** The result of `take`: four 32-bit words. */
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;

  constructor() {
    const [seed0 = 0, seed1 = 0, seed2 = 0, seed3 = 0] = randomFillSync(new Int32Array(4));
    this.#seed0 = seed0;
    this.#seed1 = seed1;
    this.#seed2 = seed2;
    this.#seed3 = seed3;
    this.#hash('');
  }

  /** @param scope - a 32-bit whole number: the same key under another one is another key */
  take(key: string, scope: number): void {
    if (key !== this.#key) {
      this.#hash(key);
      this.#key = key;
      this.#scope = 0;
    }
    this.word1 ^= this.#scope ^ scope;
    this.#scope = scope;
  }

  #hash(key: string): void {
    const { length } = key;
    const lastFour = length - 3;
    let v0 = this.#seed0;
    let v1 = this.#seed1;
    let v2 = this.#seed2;
    let v3 = this.#seed3;
    let units = 0;
    let at = 0;
    for (; at < lastFour; at += 4) {
      const unit0 = key.charCodeAt(at);
      const unit1 = key.charCodeAt(at + 1);
      const unit2 = key.charCodeAt(at + 2);
      const unit3 = key.charCodeAt(at + 3);
      units |= unit0 | unit1 | unit2 | unit3;
      const word = unit0 | (unit1 << 8) | (unit2 << 16) | (unit3 << 24);
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    let left = 0;
    for (let behind = length - 1; behind >= at; behind--) {
      const unit = key.charCodeAt(behind);
      units |= unit;
      left = (left << 8) | unit;
    }
    if (units < 256) this.#finish(v0, v1, v2, v3, (length << 24) | left, 0xff);
    else this.#hashWide(key);
  }

  /** Two bytes a unit. */
  #hashWide(key: string): void {
    const { length } = key;
    const lastPair = length - 1;
    let v0 = this.#seed0;
    let v1 = this.#seed1;
    let v2 = this.#seed2;
    let v3 = this.#seed3;
    let at = 0;
    for (; at < lastPair; at += 2) {
      const word = key.charCodeAt(at) | (key.charCodeAt(at + 1) << 16);
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    this.#finish(v0, v1, v2, v3, (length << 16) | (at < length ? key.charCodeAt(at) : 0), 0xee);
  }

  /** The length and what is left over, and then three rounds more. */
  #finish(one: number, two: number, three: number, four: number, word: number, kind: number): void {
    let v0 = one;
    let v1 = two;
    let v2 = three;
    let v3 = four ^ word;
    for (let round = 0; round < 4; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      if (round > 0) continue;
      v0 ^= word;
      v2 ^= kind;
    }
    this.word0 = v0;
    this.word1 = v1;
    this.word2 = v2;
    this.word3 = v3;
  }
}
