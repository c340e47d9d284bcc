import { randomFillSync } from 'node:crypto';

// Crockford's base 32: no letter that is read as a digit, so that an id survives being read out on the telephone.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const CHARACTERS = 12;
const IDS_AT_ONCE = 256;

/**
 * Makes session ids: 12 random characters, 60 bits, so that those of several machines and of restarts do not meet either (at a
 * million sessions a day, two of one day meet once in some thousand years). Random bytes are drawn for many ids at once.
 */
export class SessionIds {
  readonly #bytes = new Uint8Array(CHARACTERS * IDS_AT_ONCE);
  #used = this.#bytes.length;

  next(): string {
    if (this.#used === this.#bytes.length) {
      randomFillSync(this.#bytes);
      this.#used = 0;
    }
    let id = '';
    for (const end = this.#used + CHARACTERS; this.#used < end; this.#used += 1) {
      id += ALPHABET[(this.#bytes[this.#used] ?? 0) & 31];
    }
    return id;
  }
}
