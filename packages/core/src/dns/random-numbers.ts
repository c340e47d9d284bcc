import { randomFillSync } from 'node:crypto';

const BLOCK = 2_048;

/**
 * Cryptographically strong 16-bit numbers, drawn from the system a block at a time: an id that can be guessed lets
 * anybody answer in the server's place (RFC 5452 §4.3).
 */
export class RandomNumbers {
  readonly #block = new Uint16Array(BLOCK);
  #next = BLOCK;

  /** 0 to 65535. */
  uint16(): number {
    if (this.#next === this.#block.length) {
      randomFillSync(this.#block);
      this.#next = 0;
    }
    return this.#block[this.#next++] ?? 0;
  }

  /** 0 to `count` - 1; `count` is at most 65536 and so small that the remainder's bias does not matter. */
  below(count: number): number {
    return count <= 1 ? 0 : this.uint16() % count;
  }
}
