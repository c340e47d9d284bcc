const LF = 0x0a;
const CR = 0x0d;

/** What stands alone where a CRLF should (RFC 5322 §2.3). */
export type BareNewline = 'bare-line-feed' | 'bare-carriage-return';

/** Looks for the first bare CR or LF of a message that comes in chunks, at their borders too. Linear time. */
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
    const afterCr = this.#endsInCr;
    this.#endsInCr = chunk[chunk.length - 1] === CR;
    if (afterCr && chunk[0] !== LF) this.#found = 'bare-carriage-return';
    else this.#search(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1'), afterCr ? 1 : 0);
  }

  /** The message has ended. */
  end(): void {
    if (this.#endsInCr) this.#found ??= 'bare-carriage-return';
  }

  /** `indexOf` of a string costs a quarter of that of a buffer. */
  #search(text: string, from: number): void {
    let cr = text.indexOf('\r', from);
    if (this.#lineFeeds) {
      let lf = text.indexOf('\n', from);
      while (lf > 0 && cr === lf - 1) {
        cr = text.indexOf('\r', lf + 1);
        lf = text.indexOf('\n', lf + 1);
      }
      if (lf >= 0 && (cr < 0 || cr > lf)) this.#found = 'bare-line-feed';
      else if (cr >= 0 && cr < text.length - 1) this.#found = 'bare-carriage-return';
      return;
    }
    while (cr >= 0 && text.charCodeAt(cr + 1) === LF) cr = text.indexOf('\r', cr + 2);
    if (cr >= 0 && cr < text.length - 1) this.#found = 'bare-carriage-return';
  }
}
