const LF = 0x0a;
const CR = 0x0d;

const SPACE = 0x20;
/** Patterns for looking at four bytes at once. */
const TOPS = 0x80808080 | 0;
const SPACES = 0x20202020;

/** What stands alone where a CRLF should (RFC 5322 §2.3). */
export type BareNewline = 'bare-line-feed' | 'bare-carriage-return';

/**
 * Looks for the first bare CR or LF of a message that comes in chunks, at their borders too. Linear time, eight bytes
 * at once: it costs less than to hash them.
 */
export class NewlineWatch {
  readonly #lineFeeds: boolean;
  #endsInCr = false;
  #found: BareNewline | undefined;

  /** @param lineFeeds - whether a bare LF counts */
  constructor(lineFeeds: boolean) {
    this.#lineFeeds = lineFeeds;
  }

  /** What was found so far. */
  get found(): BareNewline | undefined {
    return this.#found;
  }

  write(chunk: Uint8Array): void {
    if (this.#found !== undefined || chunk.length === 0) return;
    let at = 0;
    if (this.#endsInCr) {
      if (chunk[0] === LF) at = 1;
      else this.#found = 'bare-carriage-return';
    }
    this.#endsInCr = chunk[chunk.length - 1] === CR;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    while (this.#found === undefined) {
      at = nextControl(chunk, view, at);
      if (at >= chunk.length - 1 && chunk[at] !== LF) return;
      if (chunk[at] === CR) {
        if (chunk[at + 1] === LF) at++;
        else this.#found = 'bare-carriage-return';
      } else if (chunk[at] === LF && this.#lineFeeds) {
        this.#found = 'bare-line-feed';
      }
      at++;
    }
  }

  /** The message has ended. */
  end(): void {
    if (this.#endsInCr) this.#found ??= 'bare-carriage-return';
  }
}

/**
 * The next byte below a space at `from` or behind it; the chunk's length if there is none. `(x - n) & ~x & 0x80` is not 0
 * for a byte below `n`, and for no byte before the first such one.
 */
function nextControl(chunk: Uint8Array, view: DataView, from: number): number {
  const lastGroup = chunk.length - 8;
  let at = from;
  for (; at <= lastGroup; at += 8) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const first = (a - SPACES) & ~a & TOPS;
    const second = (b - SPACES) & ~b & TOPS;
    if (first !== 0) return at + lowestByte(first);
    if (second !== 0) return at + 4 + lowestByte(second);
  }
  for (; at < chunk.length; at++) {
    if ((chunk[at] ?? 0) < SPACE) return at;
  }
  return at;
}

/** Which of the four bytes of a word, the lowest one first, has its top bit set. */
function lowestByte(tops: number): number {
  return (31 - Math.clz32(tops & -tops)) >> 3;
}
