import { bodyScanner, SCANNED_BYTES } from './body-scanner.ts';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import { PrefixHash } from './prefix-hash.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/**
 * SHA-256 of a canonical body (RFC 6376 §3.4.3, §3.4.4) as it arrives. The chunks may be cut anywhere, and are not needed
 * any more when `update` returns. Memory is bounded whatever the body's size; time is linear.
 *
 * A bare LF ends a line as CRLF does: mail servers make CRLF of it, and files have it. A bare CR is a byte like any other.
 *
 * Most bodies are canonical already, but for their end: they are hashed where they are.
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
    for (let at = 0; at < chunk.length; at += SCANNED_BYTES) {
      this.#updatePiece(chunk.length <= SCANNED_BYTES ? chunk : chunk.subarray(at, at + SCANNED_BYTES));
    }
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

  #updatePiece(piece: Uint8Array): void {
    const from = this.#resume(piece);
    if (from === piece.length) return;
    const scanner = bodyScanner();
    if (scanner === undefined) {
      this.#updateBytewise(piece, from);
      return;
    }
    scanner.load(piece);
    const change = scanner.find(from, this.#relaxed);
    if (change === piece.length) {
      this.#writeLast(piece, from);
      return;
    }
    // The LF of a CRLF, behind a space: both go with it.
    let first = change;
    if (first > from && piece[change] === LF && piece[first - 1] === CR) first--;
    if (first > from && this.#relaxed && piece[first - 1] === SPACE) first--;
    this.#write(piece, from, first);
    const { start, end, lines, space, cr } = scanner.rewrite(first, this.#relaxed);
    this.#write(scanner.memory, start, end);
    this.#lines += lines;
    this.#space = space;
    this.#cr = cr;
  }

  /** Settles what the last piece left open. Where the rest of this one begins. */
  #resume(piece: Uint8Array): number {
    let at = 0;
    if (this.#cr) {
      this.#cr = false;
      if (piece[0] === LF) {
        this.#space = false;
        this.#lines++;
        at = 1;
      } else {
        this.#writeByte(CR);
      }
    }
    if (!this.#space) return at;
    while (at < piece.length && isBlank(piece[at])) at++;
    if (at === piece.length) return at;
    if (isLastCr(piece, at)) {
      this.#cr = true;
      return piece.length;
    }
    if (isLineEnd(piece, at)) this.#space = false;
    else this.#writeByte();
    return at;
  }

  /** The same as the scanner, one byte after the other. */
  #updateBytewise(piece: Uint8Array, from: number): void {
    for (let at = from; at < piece.length; at++) {
      const byte = piece[at] ?? 0;
      if (isLastCr(piece, at)) {
        this.#cr = true;
      } else if (isLineEnd(piece, at)) {
        if (byte === CR) at++;
        this.#space = false;
        this.#lines++;
      } else if (this.#relaxed && isBlank(byte)) {
        this.#space = true;
      } else {
        this.#writeByte(byte);
      }
    }
  }

  /** The rest of a piece that is canonical. What its last bytes may turn out to be is held back. */
  #writeLast(piece: Uint8Array, from: number): void {
    let end = piece.length;
    if (end > from && piece[end - 1] === CR) {
      this.#cr = true;
      end--;
    }
    if (this.#relaxed && end > from && piece[end - 1] === SPACE) {
      this.#space = true;
      end--;
    }
    this.#write(piece, from, end);
  }

  /** Canonical bytes, with the line ends at their end held back. */
  #write(bytes: Uint8Array, from: number, to: number): void {
    let end = to;
    while (end - from >= 2 && bytes[end - 1] === LF && bytes[end - 2] === CR) end -= 2;
    if (end > from) {
      this.#writeLines();
      this.#out.write(bytes, from, end);
    }
    this.#lines += (to - end) / 2;
  }

  /** What was held back, and the byte. */
  #writeByte(byte?: number): void {
    this.#writeLines();
    if (this.#space) this.#out.writeByte(SPACE);
    this.#space = false;
    if (byte !== undefined) this.#out.writeByte(byte);
  }

  #writeLines(): void {
    if (this.#lines > 0) this.#out.writeLineEnds(this.#lines);
    this.#lines = 0;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function isLineEnd(piece: Uint8Array, at: number): boolean {
  return piece[at] === LF || (piece[at] === CR && piece[at + 1] === LF);
}

/** Whether the piece ends with a CR here: what it is, the next one will say. */
function isLastCr(piece: Uint8Array, at: number): boolean {
  return at + 1 === piece.length && piece[at] === CR;
}
