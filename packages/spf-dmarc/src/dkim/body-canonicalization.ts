import { createHash, type Hash } from 'node:crypto';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/**
 * SHA-256 of a canonical body (RFC 6376 §3.4.3, §3.4.4), as it arrives. The chunks may be cut anywhere, and are not needed
 * any more when `update` returns. Memory is bounded whatever the body's size; time is linear.
 *
 * A bare LF ends a line as CRLF does; a bare CR is a byte like any other.
 */
export class BodyHash {
  readonly #relaxed: boolean;
  readonly #hash: Hash = createHash('sha256');
  /** Canonical bytes up to now. */
  #length = 0;
  /** Line ends held back: at the end of the body empty lines do not count. */
  #lines = 0;
  #space = false;
  #cr = false;
  readonly #lengths: readonly number[];
  readonly #digests = new Map<number, Uint8Array>();
  #next = 0;

  /** @param lengths - of `l=`: canonical prefixes of so many bytes get digests of their own */
  constructor(canonicalization: DkimCanonicalization, lengths: readonly number[] = []) {
    this.#relaxed = canonicalization === 'relaxed';
    this.#lengths = [...new Set(lengths)].sort((a, b) => a - b);
  }

  update(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === LF) {
        this.#cr = false;
        this.#space = false;
        this.#lines++;
      } else if (byte === CR) {
        if (this.#cr) this.#emit(CR);
        this.#cr = true;
      } else {
        if (this.#cr) this.#emit(CR);
        this.#cr = false;
        if (this.#relaxed && (byte === SPACE || byte === TAB)) this.#space = true;
        else this.#emit(byte);
      }
    }
  }

  /** The end of the body. To be called once, before `digest`. */
  end(): void {
    if (this.#cr) this.#emit(CR);
    // RFC 6376 §3.4.3: an empty body is CRLF; §3.4.4: to `relaxed` it is nothing.
    if (!this.#relaxed || this.#length > 0) this.#put(Buffer.from('\r\n'));
  }

  /** Canonical bytes; of the whole body after `end`. */
  get byteLength(): number {
    return this.#length;
  }

  /** Of the whole body; or of its first `length` bytes, `undefined` when it has fewer. After `end`. */
  digest(): Uint8Array;
  digest(length: number | undefined): Uint8Array | undefined;
  digest(length?: number): Uint8Array | undefined {
    if (length === undefined) return this.#hash.copy().digest();
    return length === this.#length ? this.#hash.copy().digest() : this.#digests.get(length);
  }

  #emit(byte: number): void {
    if (this.#lines > 0) this.#put(Buffer.from('\r\n'.repeat(this.#lines)));
    this.#lines = 0;
    this.#put(Buffer.from(this.#space ? [SPACE, byte] : [byte]));
    this.#space = false;
  }

  #put(bytes: Uint8Array): void {
    let from = 0;
    for (;;) {
      const next = this.#lengths[this.#next];
      if (next === undefined || next > this.#length + bytes.length - from) break;
      const to = from + next - this.#length;
      this.#hash.update(bytes.subarray(from, to));
      this.#digests.set(next, this.#hash.copy().digest());
      this.#length = next;
      this.#next++;
      from = to;
    }
    this.#hash.update(bytes.subarray(from));
    this.#length += bytes.length - from;
  }
}
