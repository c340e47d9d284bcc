const LF = 0x0a;
const DOT = 0x2e;
const lineStartDot: Uint8Array = Buffer.from('\n.');
const final: Buffer = Buffer.from('.\r\n');
const finalAfterLine: Buffer = Buffer.from('\r\n.\r\n');

/**
 * Makes a message fit for DATA (RFC 5321 §4.5.2): a dot at the beginning of a line is sent twice, and a dot alone on a
 * line ends the message. For messages whose lines end in CRLF, as `NewlineGuard` leaves them.
 */
export class DotStuffer {
  #atLineStart = true;

  /** The chunk as it is sent; the very same one when no line in it begins with a dot. */
  write(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return chunk;
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const dots: number[] = [];
    if (this.#atLineStart && bytes[0] === DOT) dots.push(0);
    for (let at = bytes.indexOf(lineStartDot); at !== -1; at = bytes.indexOf(lineStartDot, at + 2)) dots.push(at + 1);
    this.#atLineStart = bytes[bytes.length - 1] === LF;
    return dots.length === 0 ? chunk : withDots(bytes, dots);
  }

  /** The final dot, behind the CRLF that the last line may lack. */
  end(): Uint8Array {
    return this.#atLineStart ? final : finalAfterLine;
  }
}

/** One more dot before each of these places. */
function withDots(bytes: Buffer, places: readonly number[]): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length + places.length);
  let from = 0;
  let length = 0;
  for (const place of places) {
    length += bytes.copy(out, length, from, place);
    out[length++] = DOT;
    from = place;
  }
  bytes.copy(out, length, from);
  return out;
}
