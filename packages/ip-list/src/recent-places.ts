const LOG_SLOTS = 12;
const SLOTS = 1 << LOG_SLOTS;
/** In a slot that holds nothing; -1 is a place: none. */
const EMPTY = -2;
/** 2³² divided by the golden ratio, which spreads neighbours far apart. */
const SPREAD = 0x9e3779b1;

/**
 * Where the addresses that were asked about last stand in a `PrefixTable`: the same client is asked about when it connects,
 * at each MAIL and each RCPT, by each check. A search in a million prefixes waits for memory about ten times, 150 to 270 ns;
 * an address that is here costs one look. 4,096 of them, each in the one slot that its bits say: who fills the slots with
 * other addresses makes lookups no slower than a search. 32 KB, 80 KB for IPv6, once there was a hit.
 */
export class RecentPlaces {
  readonly #wide: boolean;
  #words: Uint32Array = new Uint32Array(0);
  #places: Int32Array = new Int32Array(0);
  #empty = true;

  constructor(wide: boolean) {
    this.#wide = wide;
  }

  /** The place of this address, -1 for none; `undefined` when it is not known here. */
  get(word0: number, word1: number, word2: number, word3: number): number | undefined {
    if (this.#empty) return undefined;
    const slot = this.#slotOf(word0, word1, word2, word3);
    const place = this.#places[slot] ?? EMPTY;
    if (place === EMPTY) return undefined;
    if (!this.#wide) return this.#words[slot] === word0 ? place : undefined;
    const at = slot << 2;
    return this.#words[at] === word0 &&
      this.#words[at + 1] === word1 &&
      this.#words[at + 2] === word2 &&
      this.#words[at + 3] === word3
      ? place
      : undefined;
  }

  keep(word0: number, word1: number, word2: number, word3: number, place: number): void {
    if (this.#places.length === 0) {
      this.#words = new Uint32Array(this.#wide ? 4 * SLOTS : SLOTS);
      this.#places = new Int32Array(SLOTS).fill(EMPTY);
    }
    this.#empty = false;
    const slot = this.#slotOf(word0, word1, word2, word3);
    this.#places[slot] = place;
    if (!this.#wide) {
      this.#words[slot] = word0;
      return;
    }
    const at = slot << 2;
    this.#words[at] = word0;
    this.#words[at + 1] = word1;
    this.#words[at + 2] = word2;
    this.#words[at + 3] = word3;
  }

  /** To be called whenever places change. */
  clear(): void {
    if (this.#empty) return;
    this.#empty = true;
    this.#places.fill(EMPTY);
  }

  #slotOf(word0: number, word1: number, word2: number, word3: number): number {
    const bits = this.#wide
      ? Math.imul(Math.imul(Math.imul(word0, SPREAD) ^ word1, SPREAD) ^ word2, SPREAD) ^ word3
      : word0;
    return Math.imul(bits, SPREAD) >>> (32 - LOG_SLOTS);
  }
}
