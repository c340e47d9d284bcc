import { OptionReader } from '../options.ts';
import type { HeaderFields } from './header-fields.ts';
import { type FieldSpan, ParsedHeader } from './parsed-header.ts';

/** The bounds of a `HeaderParser`. */
export interface HeaderParserOptions {
  /** The most bytes that a header may have, without the empty line behind it. Default 262,144 (256 KiB). */
  readonly maxHeaderBytes?: number;
  /** The most fields that a header may have. Default 1,000. */
  readonly maxFields?: number;
}

/** The bounds of many parsers, looked at once: a server makes a parser for each message. */
export class HeaderBounds implements Required<HeaderParserOptions> {
  readonly maxHeaderBytes: number;
  readonly maxFields: number;

  /**
   * @param owner - whose options these are, as an error names it
   * @throws TypeError or RangeError that names the option
   */
  constructor(options?: HeaderParserOptions, owner = 'HeaderParser') {
    const read = new OptionReader(owner, options);
    this.maxHeaderBytes = read.integer('maxHeaderBytes', 262_144, { min: 1, max: 2 ** 30 });
    this.maxFields = read.integer('maxFields', 1_000, { min: 1 });
    read.done();
  }
}

/** What is known of the header after the bytes seen so far. */
export type HeaderParserState = HeaderIncomplete | HeaderComplete | HeaderRefused;

/** More bytes are needed. */
export interface HeaderIncomplete {
  readonly kind: 'incomplete';
}

/** The header has ended. */
export interface HeaderComplete {
  readonly kind: 'complete';
  readonly header: HeaderFields;
  /**
   * The first bytes of the body, all that were seen of it. Part of the last chunk, valid as long as that is; or a copy,
   * when the line that ended the header began in an earlier chunk.
   */
  readonly rest: Uint8Array;
  /**
   * Whether an empty line ended the header. `false` from `end`: the message had no body. `false` from `write`: the body
   * began with a line that is no field. Whoever hands such a message on writes the empty line himself.
   */
  readonly separator: boolean;
}

/** The header goes beyond a bound. */
export interface HeaderRefused {
  readonly kind: 'refused';
  readonly reason: 'too-large' | 'too-many-fields';
  /** One sentence for a person. */
  readonly detail: string;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

const incomplete: HeaderIncomplete = Object.freeze({ kind: 'incomplete' });
const nothing = new Uint8Array(0);

/**
 * Reads the header of a message (RFC 5322 §2.2) while it arrives, in chunks of any size, in one pass: the time is linear
 * in the bytes, the memory bounded by `maxHeaderBytes`. How the bytes are cut into chunks makes no difference to the
 * result.
 *
 * CRLF and a bare LF both end a line; a bare CR is a byte like any other. White space before the colon (RFC 5322 §4.5) is
 * not part of the name. A line that begins with white space continues the field above it, even when nothing else stands
 * in it.
 *
 * **A line that is no field ends the header**: no colon, an octet that no name may have before it, an mbox `From ` line, or
 * a continuation with nothing above it. The body begins with that very line, and `separator` is `false`. Postfix,
 * Sendmail, Exim and Python do so as well; but some readers (Dovecot) go on behind such a line and see fields that the
 * others take for text, for instance a second `From:` that no signature covers. So a gateway writes the empty line that
 * was missing, after which all readers agree; and who judges a message that goes on as it came must not let it pass.
 *
 * @example
 * ```ts
 * const parser = new HeaderParser();
 * const state = parser.write(Buffer.from('From: a@example.com\r\nSubject: hello\r\n world\r\n\r\nbody'));
 * if (state.kind === 'complete') {
 *   state.header.first('subject')?.value; // 'hello world'
 *   state.rest; // the bytes of 'body'
 * }
 * ```
 */
export class HeaderParser {
  readonly #maxHeaderBytes: number;
  readonly #maxFields: number;
  readonly #spans: FieldSpan[] = [];
  /** What was seen so far, when one chunk did not do; the first `#length` bytes of it count. */
  #buffer: Uint8Array = nothing;
  #length = 0;
  #lineStart = 0;
  /** From `#lineStart` up to here there is no end of a line. */
  #searched = 0;
  #over = false;

  constructor(options?: HeaderParserOptions | HeaderBounds) {
    const { maxHeaderBytes, maxFields } = options instanceof HeaderBounds ? options : new HeaderBounds(options);
    this.#maxHeaderBytes = maxHeaderBytes;
    this.#maxFields = maxFields;
  }

  /**
   * The next bytes of the message. What is needed of them is copied, so the caller may use the chunk again once it has
   * done with `rest`. To call it after `complete` or `refused` is a mistake (`TypeError`).
   */
  write(chunk: Uint8Array): HeaderParserState {
    this.#assertRunning();
    const before = this.#length;
    // An end within the bound shows in so many bytes, the empty line included. What comes behind is never looked at.
    const window = this.#maxHeaderBytes + 2;
    const seen = chunk.subarray(0, window - before);
    // A header that stands in one chunk is read where it is.
    if (before > 0) this.#append(seen);
    const bytes = before > 0 ? this.#buffer.subarray(0, this.#length) : seen;
    const end = this.#readLines(bytes) ?? (bytes.length === window ? this.#tooLarge() : undefined);
    if (end === undefined) {
      if (before === 0) this.#append(seen);
      return incomplete;
    }
    if (end.kind === 'refused') return this.#refuse(end);
    const rest = end.body < before ? join(bytes.subarray(end.body, before), chunk) : chunk.subarray(end.body - before);
    return this.#complete(bytes, end, rest);
  }

  /** The message ended inside its header. Never `incomplete`. */
  end(): HeaderParserState {
    this.#assertRunning();
    const length = this.#length;
    const end =
      (this.#lineStart < length ? this.#readLine(this.#buffer, this.#lineStart, length) : undefined) ??
      ({ kind: 'ended', header: length, body: length, separator: false } satisfies HeaderEnd);
    if (end.kind === 'refused') return this.#refuse(end);
    return this.#complete(this.#buffer, end, this.#buffer.slice(end.body, length));
  }

  #readLines(bytes: Uint8Array): HeaderEnd | HeaderRefused | undefined {
    for (;;) {
      const lineFeed = bytes.indexOf(LF, this.#searched);
      if (lineFeed === -1) {
        this.#searched = bytes.length;
        return undefined;
      }
      const end = this.#readLine(bytes, this.#lineStart, lineFeed + 1);
      if (end !== undefined) return end;
      this.#lineStart = lineFeed + 1;
      this.#searched = lineFeed + 1;
    }
  }

  /** One line with its end, or the last one of a message that ended without. */
  #readLine(bytes: Uint8Array, start: number, end: number): HeaderEnd | HeaderRefused | undefined {
    const first = bytes[start];
    if (first === LF || (first === CR && end === start + 2 && bytes[start + 1] === LF)) {
      return { kind: 'ended', header: start, body: end, separator: true };
    }
    if (first === SPACE || first === TAB) {
      const folded = this.#spans.at(-1);
      if (folded === undefined) return { kind: 'ended', header: start, body: start, separator: false };
      if (end > this.#maxHeaderBytes) return this.#tooLarge();
      folded.end = end;
      return undefined;
    }
    let at = start;
    while (at < end && isNameByte(bytes[at])) at++;
    const nameEnd = at;
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    if (nameEnd === start || at === end || bytes[at] !== COLON) {
      return { kind: 'ended', header: start, body: start, separator: false };
    }
    if (end > this.#maxHeaderBytes) return this.#tooLarge();
    if (this.#spans.length === this.#maxFields) return this.#tooManyFields();
    this.#spans.push({ start, nameEnd, valueStart: at + 1, end });
    return undefined;
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const capacity = Math.min(Math.max(length, 2 * this.#buffer.length, 4_096), this.#maxHeaderBytes + 2);
      // What lies behind `#length` in it is never looked at.
      const larger = Buffer.allocUnsafeSlow(capacity);
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  #complete(bytes: Uint8Array, end: HeaderEnd, rest: Uint8Array): HeaderComplete {
    this.#over = true;
    this.#buffer = nothing;
    // A copy of its own: `slice` of a `Buffer` would share the caller's memory.
    const own = new Uint8Array(end.header);
    own.set(bytes.subarray(0, end.header));
    return { kind: 'complete', header: new ParsedHeader(own, this.#spans), rest, separator: end.separator };
  }

  #refuse(refused: HeaderRefused): HeaderRefused {
    this.#over = true;
    this.#buffer = nothing;
    return refused;
  }

  #tooLarge(): HeaderRefused {
    const detail = `The header of the message is larger than ${this.#maxHeaderBytes} bytes.`;
    return { kind: 'refused', reason: 'too-large', detail };
  }

  #tooManyFields(): HeaderRefused {
    const detail = `The header of the message has more than ${this.#maxFields} fields.`;
    return { kind: 'refused', reason: 'too-many-fields', detail };
  }

  #assertRunning(): void {
    if (this.#over) throw new TypeError('HeaderParser: the header has ended, no more can be read');
  }
}

/** Offsets in the message: where the header ends and where the body begins. */
interface HeaderEnd {
  readonly kind: 'ended';
  readonly header: number;
  readonly body: number;
  readonly separator: boolean;
}

/** `ftext` of RFC 5322 §3.6.8: printable ASCII without the colon. */
function isNameByte(byte: number | undefined): boolean {
  return byte !== undefined && byte > SPACE && byte < 0x7f && byte !== COLON;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
