import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import { PrefixHash } from './prefix-hash.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** The top bit of each byte of a word, and other patterns for looking at four bytes at once. */
const TOPS = 0x80808080 | 0;
const LFS = 0x0a0a0a0a;
const CRS = 0x0d0d0d0d;
const ONES = 0x01010101;
const LOWS = 0x7f7f7f7f;
const SPACES = 0x20202020;
const ABOVE_SPACES = 0x21212121;
/** As a DataView reads them, the lowest byte first. */
const LINE_END = 0x0a0d;
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
  /** What `#writeBytewise` makes of its bytes. */
  #changed: Uint8Array | undefined;

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
    const end = chunk.length;
    let start = from;
    let near = 0;
    for (;;) {
      const at = nextBareLineFeed(chunk, view, start);
      if (at === end) break;
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

  #updateRelaxed(chunk: Uint8Array, view: DataView, from: number): void {
    const end = chunk.length;
    /** Bytes from here to `at` are canonical and still to be written. */
    let start = from;
    let near = 0;
    let before = from;
    for (let at = from; ; before = at) {
      at = nextChange(chunk, view, at);
      if (at === end) break;
      /** Where white space begins, or would. */
      const first = at > start && chunk[at - 1] === SPACE ? at - 1 : at;
      near = at - before < NEAR_BYTES ? near + 1 : 0;
      if (near === MANY) {
        near = 0;
        this.#write(chunk, view, start, first);
        at = this.#writeBytewise(chunk, first);
        start = at;
        continue;
      }
      const byte = chunk[at];
      if (byte === CR && chunk[at + 1] === LF) {
        if (first < at) {
          this.#write(chunk, view, start, first);
          start = at;
        }
        at = skipLineEnds(view, at);
      } else if (byte === LF) {
        this.#write(chunk, view, start, first);
        this.#lines++;
        at++;
        start = at;
      } else if (byte === SPACE || byte === TAB) {
        do at++;
        while (isBlank(chunk[at]));
        if (at === end || isLineEnd(chunk, at) || isLastCr(chunk, at)) {
          this.#write(chunk, view, start, first);
          start = at;
          if (at === end || isLastCr(chunk, at)) {
            this.#space = true;
            break;
          }
        } else if (chunk[first] === TAB) {
          this.#write(chunk, view, start, first);
          this.#writeSpace();
          start = at;
        } else {
          this.#write(chunk, view, start, first + 1);
          start = at;
        }
      } else {
        // A bare CR, another control character, a false alarm: bytes like any other.
        at++;
      }
    }
    this.#writeLast(chunk, view, start);
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

/** Behind the CRLFs that stand here. */
function skipLineEnds(view: DataView, from: number): number {
  const last = view.byteLength - 4;
  let at = from;
  while (at <= last && view.getInt32(at, true) === TWO_LINE_ENDS) at += 4;
  return at <= last + 2 && view.getInt16(at, true) === LINE_END ? at + 2 : at;
}

/** The next LF at `from` or behind it with no CR between `from` and it; the chunk's length if there is none. */
function nextBareLineFeed(chunk: Uint8Array, view: DataView, from: number): number {
  const lastGroup = chunk.length - 16;
  let at = from;
  let before = 0;
  for (; at <= lastGroup; at += 16) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    if (((zeros(a ^ LFS) | zeros(b ^ LFS) | zeros(c ^ LFS) | zeros(d ^ LFS)) & TOPS) !== 0) {
      const first = bareLineFeeds(a, before);
      const second = bareLineFeeds(b, a);
      const third = bareLineFeeds(c, b);
      const fourth = bareLineFeeds(d, c);
      if (first !== 0) return at + lowestByte(first);
      if (second !== 0) return at + 4 + lowestByte(second);
      if (third !== 0) return at + 8 + lowestByte(third);
      if (fourth !== 0) return at + 12 + lowestByte(fourth);
    }
    before = d;
  }
  for (; at < chunk.length; at++) {
    if (chunk[at] === LF && (at === from || chunk[at - 1] !== CR)) return at;
  }
  return at;
}

/** Not 0 at the top bit of the first byte of 0, and never before it; behind it there may be false alarms. */
function zeros(word: number): number {
  return (word - ONES) & ~word;
}

/** The top bits of the bytes that are LF and have no CR before them, given the word before this one. No false alarms. */
function bareLineFeeds(word: number, before: number): number {
  const lf = word ^ LFS;
  const cr = word ^ CRS;
  const isLf = ~(((lf & LOWS) + LOWS) | lf | LOWS);
  const isCr = ~(((cr & LOWS) + LOWS) | cr | LOWS);
  return isLf & ~((isCr << 8) | (before >>> 24 === CR ? 0x80 : 0));
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
