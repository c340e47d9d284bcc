import { parseReply } from './reply-parse.ts';
import type { SmtpReply } from './smtp-reply.ts';

/**
 * The longest line that is read, four times of what RFC 5321 §4.5.3.1.5 allows, and the most lines of a reply. A server
 * that sends more, or something else than replies, is not listened to any longer. Together less than `parseReply` takes.
 */
const MAX_LINE_BYTES = 2048;
const MAX_LINES = 60;
const HYPHEN = 0x2d;

/**
 * Cuts what a server sends into replies (RFC 5321 §4.2.1), however it is cut into chunks. Within bounds: of what is no
 * reply yet, 60 lines of 2,048 bytes are kept at most. Nothing in the replies is to be trusted.
 */
export class ReplyReader {
  /** The beginning of a line, in bytes as characters. */
  #line = '';
  /** The lines of a reply that goes on. */
  #reply = '';
  #lines = 0;

  /** The replies that end with this chunk. `undefined`: this is not SMTP; nothing more is to be read. */
  write(chunk: Uint8Array): readonly SmtpReply[] | undefined {
    const text = this.#line + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const replies: SmtpReply[] = [];
    let at = 0;
    for (let lf = text.indexOf('\n'); lf !== -1; lf = text.indexOf('\n', at)) {
      if (lf - at > MAX_LINE_BYTES || this.#lines === MAX_LINES) return undefined;
      this.#reply += text.slice(at, lf + 1);
      this.#lines++;
      // A hyphen behind the code: more lines follow.
      if (text.charCodeAt(at + 3) !== HYPHEN) {
        const reply = parseReply(Buffer.from(this.#reply, 'latin1').toString());
        if (reply === undefined) return undefined;
        replies.push(reply);
        this.#reply = '';
        this.#lines = 0;
      }
      at = lf + 1;
    }
    this.#line = text.slice(at);
    return this.#line.length > MAX_LINE_BYTES ? undefined : replies;
  }
}
