import { isAscii } from 'node:buffer';

const emptyLine: Uint8Array = Buffer.from('\r\n\r\n');

/**
 * Finds out, chunk by chunk, whether a message keeps to ASCII where it must: everywhere for a server without 8BITMIME
 * (RFC 6152), in its header for one without SMTPUTF8 (RFC 6531).
 */
export class AsciiGuard {
  readonly #where: 'everywhere' | 'header';
  #inHeader = true;
  /** The end of what came before, in which the empty line may have begun. */
  #tail = Buffer.alloc(0);

  constructor(where: 'everywhere' | 'header') {
    this.#where = where;
  }

  /** Whether the message is still fit to be sent. */
  write(chunk: Uint8Array): boolean {
    if (this.#where === 'everywhere') return isAscii(chunk);
    if (!this.#inHeader) return true;
    const bytes = Buffer.concat([this.#tail, chunk]);
    const end = bytes.indexOf(emptyLine);
    this.#inHeader = end === -1;
    this.#tail = bytes.subarray(-3);
    return isAscii(end === -1 ? bytes : bytes.subarray(0, end));
  }
}
