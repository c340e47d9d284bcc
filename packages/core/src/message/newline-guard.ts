/** What becomes of a message in which a CR or an LF stands alone. */
export type NewlineMode = 'refuse' | 'normalize';

/** The first CR or LF of a message that stands alone. */
export interface NewlineViolation {
  readonly kind: 'bare-cr' | 'bare-lf';
  /** Bytes of the message before it. */
  readonly offset: number;
}

const LF = 0x0a;
const CR = 0x0d;
const lineFeed: Uint8Array = Buffer.of(LF);
const nothing: Uint8Array = Buffer.alloc(0);

/**
 * Watches that lines of a message end in CRLF and that neither CR nor LF stands alone (RFC 5321 §2.3.8), at chunk borders
 * too. A server that takes a bare LF for the end of a line sees an end of the message where others see none, and so a
 * second message that no check has judged ("SMTP smuggling"); so what goes on has CRLF only.
 *
 * `refuse`: the message is at an end at the first violation. `normalize`: each bare CR and each bare LF becomes CRLF.
 * Every other byte passes, NUL too: checks and backend see the same bytes, over which signatures may have been made.
 *
 * Linear in the bytes; a chunk without a violation is passed on as it is, without a copy.
 */
export class NewlineGuard {
  readonly #mode: NewlineMode;
  #violation: NewlineViolation | undefined;
  #rewritten = 0;
  /** Bytes of earlier chunks. */
  #seen = 0;
  /** The last byte so far is a CR, whose LF may come with the next chunk. */
  #endsInCr = false;

  constructor(mode: NewlineMode) {
    this.#mode = mode;
  }

  /** The first violation, in either mode. */
  get violation(): NewlineViolation | undefined {
    return this.#violation;
  }

  /** How many bare CR and LF became CRLF; 0 in mode `refuse`. */
  get rewritten(): number {
    return this.#rewritten;
  }

  /** The chunk as it goes on, the very same one if nothing had to be changed. `undefined`: the message is refused. */
  write(chunk: Uint8Array): Uint8Array | undefined {
    if (chunk.length === 0) return chunk;
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const afterCr = this.#endsInCr;
    const at = findViolation(bytes, afterCr);
    this.#endsInCr = bytes[bytes.length - 1] === CR;
    if (at === undefined) {
      this.#seen += bytes.length;
      return chunk;
    }
    // A bare CR that ended the chunk before shows with the first byte of this one, at -1.
    this.#violation ??= { kind: at === -1 || bytes[at] === CR ? 'bare-cr' : 'bare-lf', offset: this.#seen + at };
    this.#seen += bytes.length;
    return this.#mode === 'refuse' ? undefined : this.#rewrite(bytes, afterCr);
  }

  /** The message has ended: what is still missing of it. `undefined`: the message is refused. */
  end(): Uint8Array | undefined {
    if (!this.#endsInCr) return nothing;
    this.#endsInCr = false;
    this.#violation ??= { kind: 'bare-cr', offset: this.#seen - 1 };
    if (this.#mode === 'refuse') return undefined;
    this.#rewritten++;
    return lineFeed;
  }

  /** Byte by byte, so that a message of nothing but line feeds costs no more than any other. */
  #rewrite(bytes: Uint8Array, afterCr: boolean): Uint8Array {
    const out = Buffer.allocUnsafe(2 * bytes.length + 1);
    let length = 0;
    let previous = afterCr ? CR : 0;
    for (const byte of bytes) {
      if (previous === CR && byte !== LF) {
        out[length++] = LF;
        this.#rewritten++;
      } else if (byte === LF && previous !== CR) {
        out[length++] = CR;
        this.#rewritten++;
      }
      out[length++] = byte;
      previous = byte;
    }
    return out.subarray(0, length);
  }
}

/**
 * Where the first bare CR or LF stands; -1 is the last byte of the chunk before. A CR at the very end is left open.
 * Searched in a string: V8's `indexOf` on one costs a quarter of what a call of `Buffer.indexOf` costs, and there are two
 * of them a line.
 */
function findViolation(bytes: Buffer, afterCr: boolean): number | undefined {
  const text = bytes.toString('latin1');
  let at = 0;
  if (afterCr) {
    if (bytes[0] !== LF) return -1;
    at = 1;
  }
  for (;;) {
    const lf = text.indexOf('\n', at);
    const cr = text.indexOf('\r', at);
    if (lf === -1) return cr === -1 || cr === text.length - 1 ? undefined : cr;
    if (cr === -1 || cr > lf) return lf;
    if (cr !== lf - 1) return cr;
    at = lf + 1;
  }
}
