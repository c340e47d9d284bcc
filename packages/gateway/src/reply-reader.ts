/** A reply as a server sent it (RFC 5321 §4.2): nothing in it is to be trusted. */
export interface ServerReply {
  readonly code: number;
  /** Texts behind the code, one a line, as UTF-8. */
  readonly lines: readonly string[];
}

/**
 * The longest line that is read, four times of what RFC 5321 §4.5.3.1.5 allows, and the most lines of a reply. A server
 * that sends more, or something else than replies, is not listened to any longer.
 */
const MAX_LINE_BYTES = 2048;
const MAX_LINES = 100;

const replyLine = /^([2-5]\d\d)(?:([ -])(.*))?$/s;

/** Cuts what a server sends into replies, within bounds. */
export class ReplyReader {
  /** The beginning of a line, in bytes as characters. */
  #line = '';
  #code = 0;
  #lines: string[] = [];

  /** The replies that end with this chunk. `undefined`: this is not SMTP; nothing more is to be read. */
  write(chunk: Uint8Array): readonly ServerReply[] | undefined {
    const text = this.#line + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const replies: ServerReply[] = [];
    let at = 0;
    for (let lf = text.indexOf('\n'); lf !== -1; lf = text.indexOf('\n', at)) {
      if (lf - at > MAX_LINE_BYTES) return undefined;
      const end = lf > at && text.charAt(lf - 1) === '\r' ? lf - 1 : lf;
      const ended = this.#readLine(text.slice(at, end));
      if (ended === undefined) return undefined;
      if (ended) {
        replies.push({ code: this.#code, lines: this.#lines });
        this.#lines = [];
      }
      at = lf + 1;
    }
    this.#line = text.slice(at);
    return this.#line.length > MAX_LINE_BYTES ? undefined : replies;
  }

  /** Whether the line ends its reply. */
  #readLine(line: string): boolean | undefined {
    const match = replyLine.exec(line);
    if (match === null) return undefined;
    const code = Number(match[1]);
    // RFC 5321 §4.2.1: each line of a reply has the same code.
    if (this.#lines.length > 0 && code !== this.#code) return undefined;
    if (this.#lines.length === MAX_LINES) return undefined;
    this.#code = code;
    this.#lines.push(Buffer.from(match[3] ?? '', 'latin1').toString('utf8'));
    return match[2] !== '-';
  }
}
