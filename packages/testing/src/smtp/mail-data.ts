/** What a chunk of mail data came to. */
export type MailDataRead =
  | { readonly done: false }
  /** `rest` is what came behind the final dot: the next commands. */
  | { readonly done: true; readonly rest: Buffer };

const END = '\r\n.\r\n';

/**
 * Takes mail data apart (RFC 5321 §4.5.2): finds the final dot, which only `<CRLF>.<CRLF>` is, and takes away the dots
 * that the client doubled. Bare CR and LF stay what they are.
 */
export class MailData {
  readonly #longest: number;
  readonly #chunks: Buffer[] = [];
  /** The end of what came, in which a final dot may have started. DATA's own CRLF counts as one. */
  #tail: Buffer = Buffer.from('\r\n');
  /** Bytes as they came, dots and all, without the final dot. */
  byteLength = 0;

  /** @param longest - bytes that are kept; what is longer is read and forgotten */
  constructor(longest: number) {
    this.#longest = longest;
  }

  get isTooLong(): boolean {
    return this.byteLength > this.#longest;
  }

  /** The message so far. */
  get message(): Buffer {
    if (this.isTooLong) return Buffer.alloc(0);
    const stuffed = Buffer.concat(this.#chunks).toString('latin1');
    const start = stuffed.startsWith('.') ? 1 : 0;
    return Buffer.from(stuffed.slice(start).replaceAll('\r\n.', '\r\n'), 'latin1');
  }

  write(chunk: Buffer): MailDataRead {
    const seen = Buffer.concat([this.#tail, chunk]);
    const end = seen.indexOf(END);
    if (end < 0) {
      this.#keep(chunk);
      this.#tail = seen.subarray(Math.max(0, seen.length - END.length + 1));
      return { done: false };
    }
    // The CRLF before the dot ends the last line; it may have come with an earlier chunk.
    const taken = end + 2 - this.#tail.length;
    if (taken >= 0) this.#keep(chunk.subarray(0, taken));
    else this.#dropLast(-taken);
    return { done: true, rest: chunk.subarray(taken + 3) };
  }

  #keep(chunk: Buffer): void {
    this.byteLength += chunk.length;
    // Longer by what may turn out to be the final dot.
    if (this.byteLength < this.#longest + END.length) this.#chunks.push(chunk);
  }

  /** Takes back the beginning of the final dot, which was taken for text. */
  #dropLast(bytes: number): void {
    this.byteLength -= bytes;
    const all = Buffer.concat(this.#chunks);
    this.#chunks.splice(0, this.#chunks.length, all.subarray(0, Math.max(0, all.length - bytes)));
  }
}
