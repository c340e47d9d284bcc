import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import { PrefixHash } from './prefix-hash.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** The top bit of each byte of a word, and other patterns for looking at four bytes at once. */
const TOPS = 0x80808080 | 0;
const LFS = 0x0a0a0a0a;
const ONES = 0x01010101;
const SPACES = 0x20202020;
const ABOVE_SPACES = 0x21212121;

/**
 * SHA-256 of a canonical body (RFC 6376 §3.4.3, §3.4.4) as it arrives. The chunks may be cut anywhere, and are not needed
 * any more when `update` returns. Memory is bounded whatever the body's size; time is linear.
 *
 * A bare LF ends a line as CRLF does: mail servers make CRLF of it, and files have it. A bare CR is a byte like any other.
 *
 * Most bytes of a body are canonical already. What is looked for, eight and sixteen bytes at a time, are the places where
 * something may have to change; what lies between them is hashed where it is, or copied in one piece.
 */
export class BodyHash {
  readonly #relaxed: boolean;
  readonly #out: PrefixHash;
  /** Line ends that were not written yet: at the end of the body empty lines do not count. */
  #lines = 0;
  /** White space held back behind them: at the end of a line it does not count. Only if relaxed. */
  #space = false;
  /** A CR held back behind them: with the next byte it may be the end of a line. */
  #cr = false;

  /** @param lengths - of `l=`: prefixes of the canonical body of so many bytes that get digests of their own */
  constructor(canonicalization: DkimCanonicalization, lengths: readonly number[] = []) {
    this.#relaxed = canonicalization === 'relaxed';
    this.#out = new PrefixHash(lengths);
  }

  update(chunk: Uint8Array): void {
    const from = this.#resume(chunk);
    if (from === chunk.length) return;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#relaxed) this.#updateRelaxed(chunk, view, from);
    else this.#updateSimple(chunk, view, from);
  }

  /** The end of the body. To be called once, before `digest`. */
  end(): void {
    if (this.#cr) this.#writeByte(CR);
    // RFC 6376 §3.4.3: an empty body is one CRLF; §3.4.4: to `relaxed` it is nothing.
    if (!this.#relaxed || this.#out.byteLength > 0) this.#out.writeLineEnds(1);
  }

  /** Canonical bytes; of the whole body after `end`. */
  get byteLength(): number {
    return this.#out.byteLength;
  }

  /** After `end`: of the whole body, or of its first `length` bytes; `undefined` when it has fewer. */
  digest(): Uint8Array;
  digest(length: number | undefined): Uint8Array | undefined;
  digest(length?: number): Uint8Array | undefined {
    return this.#out.digest(length);
  }

  /** Settles what the last chunk left open. Where the rest of this one begins. */
  #resume(chunk: Uint8Array): number {
    let at = 0;
    if (this.#cr && chunk.length > 0) {
      this.#cr = false;
      if (chunk[0] === LF) {
        this.#space = false;
        this.#lines++;
        at = 1;
      } else {
        this.#writeByte(CR);
      }
    }
    if (!this.#space) return at;
    while (at < chunk.length && isBlank(chunk[at])) at++;
    if (at === chunk.length) return at;
    if (chunk[at] === CR && at + 1 === chunk.length) {
      this.#cr = true;
      return chunk.length;
    }
    if (isLineEnd(chunk, at)) this.#space = false;
    else this.#writeSpace();
    return at;
  }

  #updateSimple(chunk: Uint8Array, view: DataView, from: number): void {
    let start = from;
    for (let at = from; ; ) {
      at = nextBareLineFeed(chunk, view, at, start);
      if (at === chunk.length) break;
      this.#write(chunk, start, at);
      this.#lines++;
      at++;
      start = at;
    }
    this.#cr = start < chunk.length && chunk[chunk.length - 1] === CR;
    this.#write(chunk, start, this.#cr ? chunk.length - 1 : chunk.length);
  }

  #updateRelaxed(chunk: Uint8Array, view: DataView, from: number): void {
    const end = chunk.length;
    /** Canonical bytes from here to `at` are still to be written. */
    let start = from;
    for (let at = from; ; ) {
      at = nextChange(chunk, view, at);
      if (at >= end) break;
      const byte = chunk[at];
      if (byte === CR) {
        if (chunk[at + 1] !== LF) {
          at++;
          continue;
        }
        if (at > start && chunk[at - 1] === SPACE) {
          this.#write(chunk, start, at - 1);
          start = at;
        }
        do at += 2;
        while (chunk[at] === CR && chunk[at + 1] === LF);
      } else if (byte === SPACE || byte === TAB) {
        const first = at > start && chunk[at - 1] === SPACE ? at - 1 : at;
        do at++;
        while (isBlank(chunk[at]));
        if (at === end || (chunk[at] === CR && at + 1 === end)) {
          this.#write(chunk, start, first);
          this.#space = true;
          start = at;
          break;
        }
        if (isLineEnd(chunk, at)) {
          this.#write(chunk, start, first);
          start = at;
        } else if (chunk[first] === TAB) {
          this.#write(chunk, start, first);
          this.#writeSpace();
          start = at;
        } else if (at > first + 1) {
          this.#write(chunk, start, first + 1);
          start = at;
        }
      } else if (byte === LF) {
        this.#write(chunk, start, at > start && chunk[at - 1] === SPACE ? at - 1 : at);
        do {
          this.#lines++;
          at++;
        } while (chunk[at] === LF);
        start = at;
      } else {
        at++;
      }
    }
    let last = end;
    if (last > start && chunk[last - 1] === CR) {
      this.#cr = true;
      last--;
    }
    if (last > start && chunk[last - 1] === SPACE) {
      this.#space = true;
      last--;
    }
    this.#write(chunk, start, last);
  }

  /** Canonical bytes, with the line ends at their end held back. */
  #write(chunk: Uint8Array, from: number, to: number): void {
    let end = to;
    while (end - from >= 2 && chunk[end - 1] === LF && chunk[end - 2] === CR) end -= 2;
    if (end > from) {
      if (this.#lines > 0) this.#writeLines();
      this.#out.write(chunk, from, end);
    }
    this.#lines += (to - end) / 2;
  }

  #writeSpace(): void {
    if (this.#lines > 0) this.#writeLines();
    this.#out.writeByte(SPACE);
    this.#space = false;
  }

  #writeByte(byte: number): void {
    if (this.#space) this.#writeSpace();
    else if (this.#lines > 0) this.#writeLines();
    this.#out.writeByte(byte);
  }

  #writeLines(): void {
    this.#out.writeLineEnds(this.#lines);
    this.#lines = 0;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function isLineEnd(chunk: Uint8Array, at: number): boolean {
  return chunk[at] === LF || (chunk[at] === CR && chunk[at + 1] === LF);
}

/**
 * The next LF at `from` or behind it that has no CR before it in the chunk from `start` on; the chunk's length if there is
 * none. `(x - 1) & ~x & 0x80` is not 0 for a byte of 0, and for no byte below the first one of 0.
 */
function nextBareLineFeed(chunk: Uint8Array, view: DataView, from: number, start: number): number {
  const lastGroup = chunk.length - 16;
  let at = from;
  while (at <= lastGroup) {
    const a = view.getInt32(at, true) ^ LFS;
    const b = view.getInt32(at + 4, true) ^ LFS;
    const c = view.getInt32(at + 8, true) ^ LFS;
    const d = view.getInt32(at + 12, true) ^ LFS;
    const first = (a - ONES) & ~a & TOPS;
    const second = (b - ONES) & ~b & TOPS;
    const third = (c - ONES) & ~c & TOPS;
    const fourth = (d - ONES) & ~d & TOPS;
    if ((first | second | third | fourth) === 0) {
      at += 16;
      continue;
    }
    if (first !== 0) at += lowestByte(first);
    else if (second !== 0) at += 4 + lowestByte(second);
    else if (third !== 0) at += 8 + lowestByte(third);
    else at += 12 + lowestByte(fourth);
    if (at === start || chunk[at - 1] !== CR) return at;
    at++;
    while (chunk[at] === CR && chunk[at + 1] === LF) at += 2;
  }
  for (; at < chunk.length; at++) {
    if (chunk[at] === LF && (at === start || chunk[at - 1] !== CR)) return at;
  }
  return at;
}

/**
 * The next byte at `from` or behind it where `relaxed` may have to change something: a control character, or a space
 * behind another one; the chunk's length if there is none. `(x - n) & ~x & 0x80` is not 0 for a byte below `n`, and for no
 * byte before the first such one. Behind it there may be false alarms: of a byte one larger than such a one.
 */
function nextChange(chunk: Uint8Array, view: DataView, from: number): number {
  const lastGroup = chunk.length - 8;
  let at = from;
  let carried = 0;
  while (at <= lastGroup) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const topsOfA = ~a & TOPS;
    const topsOfB = ~b & TOPS;
    const spacesOfA = (a - ABOVE_SPACES) & topsOfA;
    const spacesOfB = (b - ABOVE_SPACES) & topsOfB;
    const first = ((a - SPACES) & topsOfA) | (spacesOfA & ((spacesOfA << 8) | carried));
    const second = ((b - SPACES) & topsOfB) | (spacesOfB & ((spacesOfB << 8) | (spacesOfA >>> 24)));
    if (first !== 0) return at + lowestByte(first);
    if (second !== 0) return at + 4 + lowestByte(second);
    carried = spacesOfB >>> 24;
    at += 8;
  }
  for (; at < chunk.length; at++) {
    const byte = chunk[at] ?? 0;
    if (byte < SPACE || (byte === SPACE && at > from && chunk[at - 1] === SPACE)) return at;
  }
  return at;
}

/** Which of the four bytes of a word, the lowest one first, has its top bit set. */
function lowestByte(tops: number): number {
  return (31 - Math.clz32(tops & -tops)) >> 3;
}
