/** Odd, and without a pattern: 2³² divided by the golden ratio. */
const HASH = 0x9e3779b1;

/**
 * Tells at one glance that a list says nothing of an address, which is the answer to most. One bit stands for a stretch of
 * addresses and is set when a prefix of the list meets it. Bits stay set when a prefix is deleted, so a clear bit is
 * certain and a set one means: search.
 *
 * Half a million IPv4 prefixes and more have one bit for each /24. A shorter list has fewer and wider stretches; there are
 * 16 to 32 bits a prefix, two to four bytes. IPv6 lists fill few corners of a wide space: there a stretch is a /32 and its
 * bit is found by a multiplicative hash. Stretches that share a bit cost a search, nothing else, so prefixes chosen to
 * collide gain nothing.
 */
export class PrefixFilter {
  readonly #bits: Uint32Array;
  readonly #shift: number;
  readonly #hashed: boolean;
  /** So many stretches may still be marked by hash before the filter gives up. */
  #left: number;
  /** So many prefixes it was made for. */
  readonly capacity: number;

  /**
   * @param prefixes - how many there are to be
   * @param hashed - whether the bit is found by a hash of the word: for IPv6
   */
  constructor(prefixes: number, hashed: boolean) {
    const log = Math.min(24, Math.max(10, 36 - Math.clz32(Math.max(1, prefixes))));
    this.#bits = new Uint32Array(1 << (log - 5));
    this.#shift = 32 - log;
    this.#hashed = hashed;
    this.#left = 1 << log;
    this.capacity = log === 24 ? Number.POSITIVE_INFINITY : 1 << (log - 4);
  }

  /** Whether a prefix may contain an address that begins with this word. */
  mayContain(word: number): boolean {
    const bit = (this.#hashed ? Math.imul(word, HASH) : word) >>> this.#shift;
    return (((this.#bits[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  /** Marks all words that begin with the first `length` bits of `word`, whose other bits are clear. */
  mark(word: number, length: number): void {
    if (this.#hashed) this.#markByHash(word, 2 ** Math.max(0, 32 - length));
    else this.#markStretches(word >>> this.#shift, 2 ** Math.max(0, 32 - this.#shift - length));
  }

  #markStretches(first: number, count: number): void {
    if (count >= 32) this.#bits.fill(0xffff_ffff, first >>> 5, (first + count) >>> 5);
    else for (let bit = first; bit < first + count; bit++) this.#set(bit);
  }

  /** Prefixes much wider than a /32 meet more stretches than there are bits: then every address is searched for. */
  #markByHash(first: number, count: number): void {
    if (this.#left < 0) return;
    this.#left -= count;
    if (this.#left < 0) this.#bits.fill(0xffff_ffff);
    else for (let word = first; word < first + count; word++) this.#set(Math.imul(word, HASH) >>> this.#shift);
  }

  #set(bit: number): void {
    this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
}
