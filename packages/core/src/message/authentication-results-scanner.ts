const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/**
 * The lexical elements of an Authentication-Results field (RFC 8601 §2.2), taken from left to right. Each character is
 * looked at a bounded number of times, and comments are counted, not recursed into. What cannot be read stays in place, so
 * that the reader fails at it.
 */
export class AuthenticationResultsScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Whether the next character is this one. */
  at(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  /** Steps over the next character if it is this one. */
  take(character: string): boolean {
    if (!this.at(character)) return false;
    this.#at++;
    return true;
  }

  /** White space and comments (RFC 5322 §3.2.2). A comment without an end stays in place. */
  skipCfws(): void {
    for (;;) {
      const code = this.#code();
      if (isBlank(code)) {
        this.#at++;
        continue;
      }
      if (code !== OPEN) return;
      const end = this.#endOfComment();
      if (end === -1) return;
      this.#at = end;
    }
  }

  /** A `Keyword` (RFC 5321 §4.1.2) in lower case; also with underscores, which are in use. At most 63 characters. */
  keyword(): string | undefined {
    const start = this.#at;
    let end = start;
    while (isKeywordCharacter(this.#text.charCodeAt(end))) end++;
    if (end === start || end - start > 63 || this.#text[end - 1] === '-') return undefined;
    this.#at = end;
    return this.#text.slice(start, end).toLowerCase();
  }

  /** Digits. */
  number(): number | undefined {
    const start = this.#at;
    let end = start;
    while (isDigit(this.#text.charCodeAt(end))) end++;
    if (end === start || end - start > 9) return undefined;
    this.#at = end;
    return Number(this.#text.slice(start, end));
  }

  /** A token or a quoted string. */
  authservId(): string | undefined {
    if (this.#code() === QUOTE) return this.#quotedString();
    const value = this.#bare();
    // `spf=pass` here is the first method result of a field that has no authserv-id.
    return value?.includes('=') ? undefined : value;
  }

  /**
   * A pvalue: a quoted string, or everything up to white space, a comment or a semicolon, nothing included. A quoted
   * local-part keeps its quotes: with its domain behind it, that is how a mailbox is written.
   */
  value(): string | undefined {
    if (this.#code() !== QUOTE) return this.#bare();
    const start = this.#at;
    const text = this.#quotedString();
    if (text === undefined || !this.at('@')) return text;
    const localPart = this.#text.slice(start, this.#at);
    const domain = this.#bare();
    return domain === undefined ? undefined : localPart.replace(/[\r\n]/g, '') + domain;
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  #bare(): string | undefined {
    const start = this.#at;
    for (let at = start; ; at++) {
      const code = this.#text.charCodeAt(at);
      if (Number.isNaN(code) || isBlank(code) || code === SEMICOLON || code === OPEN) {
        this.#at = at;
        return this.#text.slice(start, at);
      }
      if (code < SPACE || code === DELETE || code === QUOTE) return undefined;
    }
  }

  #quotedString(): string | undefined {
    let text = '';
    let start = this.#at + 1;
    for (let at = start; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return text + this.#text.slice(start, at);
      }
      if (code === BACKSLASH || code === CR || code === LF) {
        // A quoted pair stands for its second character; of a fold (RFC 5322 §2.2.3) the white space alone counts.
        text += this.#text.slice(start, at);
        start = at + 1;
        if (code === BACKSLASH) at++;
        const second = this.#text.charCodeAt(at);
        if (code === BACKSLASH && (second < SPACE || second === DELETE) && second !== TAB) return undefined;
      } else if ((code < SPACE && code !== TAB) || code === DELETE) {
        return undefined;
      }
    }
    return undefined;
  }

  /** Behind the comment that begins here, -1 if it has no end. */
  #endOfComment(): number {
    let depth = 0;
    for (let at = this.#at; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === BACKSLASH) at++;
      else if (code === OPEN) depth++;
      else if (code === CLOSE && --depth === 0) return at + 1;
    }
    return -1;
  }
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB || code === CR || code === LF;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isKeywordCharacter(code: number): boolean {
  const small = code | 0x20;
  return (small >= 0x61 && small <= 0x7a) || isDigit(code) || code === 0x2d || code === 0x5f;
}
