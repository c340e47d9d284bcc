import type { LineOutput } from './line-format.ts';

/** A line and those that continue it. */
export interface LogicalLine {
  readonly text: string;
  /** Of its first line, counted from 1. */
  readonly number: number;
}

/** What continued lines may have together, in UTF-16 units. */
const MAX_LENGTH = 65_536;

/**
 * The logical lines of Postfix tables (cidr_table(5), access(5)): a line that begins with a blank continues the one before,
 * blank lines and comments between them notwithstanding.
 */
export class LogicalLines {
  #text = '';
  #number = 0;
  #tooLong = false;

  /** The logical line that is complete now that `text` has come. */
  push<Key>(text: string, output: LineOutput<Key>): LogicalLine | undefined {
    const start = text.trimStart();
    if (start === '' || start.startsWith('#')) return undefined;
    if (start.length === text.length) {
      const complete = this.end(output);
      this.#text = text;
      this.#number = output.number;
      return complete;
    }
    if (this.#text === '') output.problem('skipped', 'malformed', start);
    else if (this.#text.length + text.length > MAX_LENGTH) this.#tooLong = true;
    else this.#text += text;
    return undefined;
  }

  /** The last one. */
  end<Key>(output: LineOutput<Key>): LogicalLine | undefined {
    const line = { text: this.#text.trimEnd(), number: this.#number };
    const tooLong = this.#tooLong;
    this.#text = '';
    this.#tooLong = false;
    if (tooLong) output.problem('skipped', 'line-too-long', '', line.number);
    return tooLong || line.text === '' ? undefined : line;
  }
}

/** The first word of a line, and what stands behind it. */
export function splitWord(text: string): { readonly word: string; readonly rest: string } {
  let end = 0;
  while (end < text.length && text.charAt(end).trim() !== '') end++;
  return { word: text.slice(0, end), rest: text.slice(end).trim() };
}
