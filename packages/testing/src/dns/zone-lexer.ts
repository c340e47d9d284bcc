import { readEscape } from './zone-name.ts';

/** One word of a zone file. */
export interface ZoneToken {
  /** The octets, each one latin1 character, escapes resolved. */
  readonly text: string;
  /** As it is written in the file, without the quotes. Names are read from here, so that `\.` is not taken for a dot. */
  readonly raw: string;
  readonly quoted: boolean;
}

/** One entry of a zone file: a line, or several that parentheses hold together. */
export interface ZoneEntry {
  /** From 1: where the entry starts. */
  readonly line: number;
  /** The first line starts with white space, so that the owner is that of the entry before. */
  readonly indented: boolean;
  readonly tokens: readonly ZoneToken[];
}

/** Zone-file text that cannot be read. */
export class ZoneSyntaxError extends SyntaxError {
  override readonly name = 'ZoneSyntaxError';
  /** From 1. */
  readonly line: number;

  constructor(line: number, problem: string) {
    super(`zone text, line ${line}: ${problem}`);
    this.line = line;
  }
}

/**
 * Splits zone-file text into entries and words (RFC 1035 §5.1). One pass, linear.
 *
 * @param source - the octets of the file, each one latin1 character
 */
export function lexZone(source: string): ZoneEntry[] {
  return new ZoneLexer(source).run();
}

const SPECIAL = ' \t\r\n;()"';

class ZoneLexer {
  readonly #source: string;
  readonly #entries: ZoneEntry[] = [];
  #at = 0;
  #line = 1;
  #depth = 0;
  #tokens: ZoneToken[] = [];
  #entryLine = 1;
  #indented = false;

  constructor(source: string) {
    this.#source = source;
  }

  run(): ZoneEntry[] {
    const source = this.#source;
    while (this.#at < source.length) {
      const char = source.charAt(this.#at);
      if (char === '\n') {
        this.#at++;
        if (this.#depth === 0) this.#endEntry();
        this.#line++;
      } else if (char === ' ' || char === '\t' || char === '\r') {
        if (this.#depth === 0 && this.#tokens.length === 0 && this.#isLineStart()) this.#indented = char !== '\r';
        this.#at++;
      } else if (char === ';') {
        const end = source.indexOf('\n', this.#at);
        this.#at = end < 0 ? source.length : end;
      } else if (char === '(') {
        this.#begin();
        this.#depth++;
        this.#at++;
      } else if (char === ')') {
        if (this.#depth === 0) throw new ZoneSyntaxError(this.#line, 'a ")" without its "("');
        this.#depth--;
        this.#at++;
      } else {
        this.#begin();
        this.#tokens.push(char === '"' ? this.#quoted() : this.#bare());
      }
    }
    if (this.#depth > 0) throw new ZoneSyntaxError(this.#entryLine, 'a "(" without its ")"');
    this.#endEntry();
    return this.#entries;
  }

  #isLineStart(): boolean {
    return this.#at === 0 || this.#source.charAt(this.#at - 1) === '\n';
  }

  #begin(): void {
    if (this.#tokens.length === 0 && this.#depth === 0) this.#entryLine = this.#line;
  }

  #endEntry(): void {
    if (this.#tokens.length > 0) {
      this.#entries.push({ line: this.#entryLine, indented: this.#indented, tokens: this.#tokens });
      this.#tokens = [];
    }
    this.#indented = false;
  }

  #bare(): ZoneToken {
    const start = this.#at;
    let text = '';
    while (this.#at < this.#source.length && !SPECIAL.includes(this.#source.charAt(this.#at))) text += this.#octet();
    return { text, raw: this.#source.slice(start, this.#at), quoted: false };
  }

  #quoted(): ZoneToken {
    const start = ++this.#at;
    let text = '';
    while (this.#source.charAt(this.#at) !== '"') {
      if (this.#at >= this.#source.length || this.#source.charAt(this.#at) === '\n') {
        throw new ZoneSyntaxError(this.#line, 'a quoted string that does not end on its line');
      }
      text += this.#octet();
    }
    const raw = this.#source.slice(start, this.#at++);
    return { text, raw, quoted: true };
  }

  /** One octet, which may be written `\X` or `\DDD` (RFC 1035 §5.1). */
  #octet(): string {
    const char = this.#source.charAt(this.#at);
    if (char !== '\\') {
      this.#at++;
      return char;
    }
    const octet = readEscape(this.#source, this.#at);
    if (octet === undefined) throw new ZoneSyntaxError(this.#line, 'a "\\" that begins neither \\X nor \\000 to \\255');
    this.#at = octet.end;
    return octet.text;
  }
}
