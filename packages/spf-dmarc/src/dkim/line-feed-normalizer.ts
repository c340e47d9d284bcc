const LF = 0x0a;
const CR = 0x0d;

/** Makes a CRLF of each bare LF of a message that comes in chunks. A chunk without one passes as it is. Linear time. */
export class LineFeedNormalizer {
  #endsInCr = false;

  write(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return chunk;
    // The LF whose CR came before is left alone.
    const from = this.#endsInCr && chunk[0] === LF ? 1 : 0;
    this.#endsInCr = chunk[chunk.length - 1] === CR;
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    if (!hasBareLineFeed(text, from)) return chunk;
    return Buffer.from(text.slice(0, from) + text.slice(from).replace(/\r?\n/g, '\r\n'), 'latin1');
  }
}

function hasBareLineFeed(text: string, from: number): boolean {
  for (let lf = text.indexOf('\n', from); lf >= 0; lf = text.indexOf('\n', lf + 1)) {
    if (text.charCodeAt(lf - 1) !== CR) return true;
  }
  return false;
}
