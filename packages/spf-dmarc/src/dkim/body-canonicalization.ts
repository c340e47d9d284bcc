import { type BodyScanner, bodyScanner, SCANNED_BYTES } from './body-scanner.ts';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import { PrefixHash } from './prefix-hash.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** As a DataView reads them, the lowest byte first. */
const TWO_LINE_ENDS = 0x0a0d0a0d;

/** So many changes in a row, each so near the last one, and the bytes are looked at one by one for a while. */
const MANY = 4;
const NEAR_BYTES = 12;
const BYTEWISE_BYTES = 256;

/**
 * SHA-256 of a canonical body (RFC 6376 §3.4.3, §3.4.4) as it arrives. The chunks may be cut anywhere, and are not needed
 * any more when `update` returns. Memory is bounded whatever the body's size; time is linear.
 *
 * A bare LF ends a line as CRLF does: mail servers make CRLF of it, and files have it. A bare CR is a byte like any other.
 *
 * Most bytes of a body are canonical already. What is looked for are the places where something has to change; what lies
 * between them is hashed where it is, or copied in one piece.
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
  /** What `#writeBytewise` makes of its bytes. */
  #changed: Uint8Array | undefined;

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

  #updatePiece(piece: Uint8Array): void {
    const from = this.#resume(piece);
    if (from === piece.length) return;
    const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
    const scanner = bodyScanner();
    scanner?.load(piece);
    if (scanner === undefined) this.#updateBytewise(piece, view, from);
    else if (this.#relaxed) this.#updateRelaxed(scanner, piece, view, from);
    else this.#updateSimple(scanner, piece, view, from);
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

  #updateSimple(scanner: BodyScanner, chunk: Uint8Array, view: DataView, from: number): void {
    let start = from;
    for (let near = 0; ; ) {
      const at = scanner.nextBareLineFeed(start);
      if (at === chunk.length) break;
      near = at - start < NEAR_BYTES ? near + 1 : 0;
      this.#write(chunk, view, start, at);
      if (near === MANY) {
        near = 0;
        start = this.#writeBytewise(chunk, at);
      } else {
        this.#lines++;
        start = at + 1;
      }
    }
    this.#writeLast(chunk, view, start);
  }

  #updateRelaxed(scanner: BodyScanner, chunk: Uint8Array, view: DataView, from: number): void {
    const end = chunk.length;
    /** Bytes from here to `at` are canonical and still to be written. */
    let start = from;
    let near = 0;
    let before = from;
    for (let at = from; ; before = at) {
      at = scanner.nextChange(at);
      if (at === end) break;
      near = at - before < NEAR_BYTES ? near + 1 : 0;
      /** The end of a line is that of its CRLF. */
      const change = chunk[at] === LF && at > start && chunk[at - 1] === CR ? at - 1 : at;
      /** Where white space begins, or would. */
      const first = change > start && chunk[change - 1] === SPACE ? change - 1 : change;
      this.#write(chunk, view, start, first);
      start = change;
      if (near === MANY) {
        near = 0;
        at = this.#writeBytewise(chunk, first);
        start = at;
      } else if (chunk[at] === LF) {
        at++;
        if (change === at - 1) {
          this.#lines++;
          start = at;
        }
      } else {
        do at++;
        while (isBlank(chunk[at]));
        start = at;
        if (at === end || isLastCr(chunk, at)) {
          this.#space = true;
          break;
        }
        if (!isLineEnd(chunk, at)) this.#writeSpace();
        else if (chunk[at] === CR) at += 2;
      }
    }
    this.#writeLast(chunk, view, start);
  }

  /** All of it, where there is no scanner. */
  #updateBytewise(chunk: Uint8Array, view: DataView, from: number): void {
    let at = from;
    while (at < chunk.length) at = this.#writeBytewise(chunk, at);
    this.#writeLast(chunk, view, at);
  }

  /**
   * Where changes lie close together, to look at each byte is cheaper than to search for the next change. Takes some
   * hundred bytes.
   *
   * @returns where the rest of the chunk begins; its length when something is held back
   */
  #writeBytewise(chunk: Uint8Array, from: number): number {
    const end = chunk.length;
    const to = Math.min(end, from + BYTEWISE_BYTES);
    this.#changed ??= new Uint8Array(2 * BYTEWISE_BYTES);
    const target = this.#changed;
    let used = 0;
    let at = from;
    while (at < to) {
      let byte = chunk[at] ?? 0;
      let next = at + 1;
      if (byte <= SPACE) {
        if (isLineEnd(chunk, at)) {
          this.#lines++;
          at = byte === LF ? next : next + 1;
          continue;
        }
        if (isLastCr(chunk, at)) {
          this.#cr = true;
          at = end;
          break;
        }
        if (this.#relaxed && isBlank(byte)) {
          while (isBlank(chunk[next])) next++;
          if (next === end || isLastCr(chunk, next)) {
            this.#space = true;
            this.#cr = next < end;
            at = end;
            break;
          }
          if (isLineEnd(chunk, next)) {
            at = next;
            continue;
          }
          byte = SPACE;
        }
      }
      if (this.#lines > 0) {
        // Those from before these bytes may be many, and come before all of them.
        if (used === 0) this.#writeLines();
        for (; this.#lines > 0; this.#lines--) {
          target[used++] = CR;
          target[used++] = LF;
        }
      }
      target[used++] = byte;
      at = next;
    }
    if (used > 0) this.#out.write(target, 0, used);
    return at;
  }

  /** The rest of a chunk, with what its last bytes may turn out to be held back. */
  #writeLast(chunk: Uint8Array, view: DataView, from: number): void {
    let end = chunk.length;
    if (end > from && chunk[end - 1] === CR) {
      this.#cr = true;
      end--;
    }
    if (this.#relaxed && end > from && chunk[end - 1] === SPACE) {
      this.#space = true;
      end--;
    }
    this.#write(chunk, view, from, end);
  }

  /** Canonical bytes, with the line ends at their end held back. */
  #write(chunk: Uint8Array, view: DataView, from: number, to: number): void {
    let end = to;
    while (end - from >= 4 && view.getInt32(end - 4, true) === TWO_LINE_ENDS) end -= 4;
    if (end - from >= 2 && chunk[end - 1] === LF && chunk[end - 2] === CR) end -= 2;
    if (end > from) {
      if (this.#lines > 0) this.#writeLines();
      this.#out.write(chunk, from, end, view);
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

/** Whether the chunk ends with a CR here: what it is, the next chunk will say. */
function isLastCr(chunk: Uint8Array, at: number): boolean {
  return at + 1 === chunk.length && chunk[at] === CR;
}
