import { createHash, type Hash, hash } from 'node:crypto';

/** Each call into OpenSSL costs about as much as the hash of 1 KB: small pieces are gathered up to so many bytes. */
const GATHERED_BYTES = 32_768;
/** Pieces of this size and more are hashed where they are. */
const DIRECT_BYTES = 4_096;
const FIRST_BYTES = 2_048;

const CR = 0x0d;
const LF = 0x0a;

/**
 * SHA-256 of what is written to it, and of prefixes of that: one hash serves all signatures, whatever their `l=`.
 */
export class PrefixHash {
  #buffer: Uint8Array;
  #used = 0;
  /** Made when the buffer is full for the first time: a small body is hashed in one call. */
  #hash: Hash | undefined;
  /** Bytes that went out of the buffer. */
  #hashed = 0;
  /** In ascending order. */
  readonly #lengths: readonly number[];
  #nextLength = 0;
  readonly #digests = new Map<number, Uint8Array>();

  /** @param lengths - whose prefixes get a digest of their own */
  constructor(lengths: readonly number[]) {
    this.#lengths = lengths.length > 1 ? [...new Set(lengths)].sort((a, b) => a - b) : lengths;
    this.#buffer = Buffer.allocUnsafe(FIRST_BYTES);
  }

  /** Bytes written. */
  get byteLength(): number {
    return this.#hashed + this.#used;
  }

  /** Part of `source`, which may change when this returns. */
  write(source: Uint8Array, from: number, to: number): void {
    const size = to - from;
    if (size >= DIRECT_BYTES) {
      this.#flush();
      this.#update(source.subarray(from, to));
      return;
    }
    if (this.#used + size > this.#buffer.length) this.#makeRoom(size);
    this.#buffer.set(source.subarray(from, to), this.#used);
    this.#used += size;
  }

  writeByte(byte: number): void {
    if (this.#used + 1 > this.#buffer.length) this.#makeRoom(1);
    this.#buffer[this.#used++] = byte;
  }

  writeLineEnds(count: number): void {
    for (let left = count; left > 0; ) {
      if (this.#used + 2 > this.#buffer.length) this.#makeRoom(2);
      let used = this.#used;
      const end = Math.min(used + 2 * left, this.#buffer.length - 1);
      for (; used < end; used += 2) {
        this.#buffer[used] = CR;
        this.#buffer[used + 1] = LF;
      }
      left -= (used - this.#used) / 2;
      this.#used = used;
    }
  }

  /** Of all, or of the first `length` bytes: `undefined` when there are fewer, or `length` was not announced. */
  digest(length: number = this.byteLength): Uint8Array | undefined {
    if (this.#hash === undefined) {
      return length > this.#used ? undefined : hash('sha256', this.#buffer.subarray(0, length), 'buffer');
    }
    this.#flush();
    return length === this.#hashed ? this.#hash.copy().digest() : this.#digests.get(length);
  }

  /** At least `size` bytes; at most `DIRECT_BYTES` are asked for. */
  #makeRoom(size: number): void {
    if (this.#buffer.length === GATHERED_BYTES) {
      this.#flush();
      return;
    }
    // A body that outgrew the first buffer is likely to go on.
    const larger = Buffer.allocUnsafeSlow(this.#used + size > FIRST_BYTES * 4 ? GATHERED_BYTES : FIRST_BYTES * 4);
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }

  #flush(): void {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    this.#update(this.#buffer.subarray(0, used));
  }

  #update(bytes: Uint8Array): void {
    this.#hash ??= createHash('sha256');
    let from = 0;
    for (;;) {
      const length = this.#lengths[this.#nextLength];
      if (length === undefined || length > this.#hashed + bytes.length - from) break;
      const to = from + length - this.#hashed;
      this.#hash.update(bytes.subarray(from, to));
      this.#digests.set(length, this.#hash.copy().digest());
      this.#hashed = length;
      this.#nextLength++;
      from = to;
    }
    if (from === bytes.length) return;
    this.#hash.update(from === 0 ? bytes : bytes.subarray(from));
    this.#hashed += bytes.length - from;
  }
}
