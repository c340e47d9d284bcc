/** RFC 1035 §4.2.2: each message of a stream stands behind its length in two octets. */
const LENGTH_BYTES = 2;

/**
 * Cuts a stream into messages. It copies each octet at most once, however small the chunks are, and holds one message of
 * at most 65,535 octets.
 */
export class FrameReader {
  /** Octets of the length that have been read. */
  #lengthRead = 0;
  #length = 0;
  #message: Buffer | undefined;
  #filled = 0;

  /** The messages that end in this chunk. */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#lengthRead < LENGTH_BYTES) {
        this.#length = (this.#length << 8) | (chunk[at++] ?? 0);
        this.#lengthRead++;
      } else {
        this.#message ??= Buffer.allocUnsafe(this.#length);
        const taken = chunk.copy(this.#message, this.#filled, at);
        this.#filled += taken;
        at += taken;
      }
      if (this.#lengthRead === LENGTH_BYTES && this.#filled === this.#length) {
        messages.push(this.#message ?? Buffer.alloc(0));
        this.#lengthRead = 0;
        this.#length = 0;
        this.#message = undefined;
        this.#filled = 0;
      }
    }
    return messages;
  }
}
