import type { ProblemList } from './problem-list.ts';
import type { XmlElement } from './xml-document.ts';

/** Other words that reporters wrote for the same results; of the errors RFC 7489, appendix C, tells. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['hardfail', 'fail'],
  ['error', 'permerror'],
  ['unknown', 'temperror'],
]);
const LONGEST_TEXT = 2_000;

/** Reads the values of one element of a report, and notes what is wrong with them. */
export class ReportElement {
  readonly #element: XmlElement | undefined;
  readonly #at: string;
  readonly #problems: ProblemList;

  constructor(element: XmlElement | undefined, at: string, problems: ProblemList) {
    this.#element = element;
    this.#at = at;
    this.#problems = problems;
  }

  /** The first child of that name, there or not: all that is read of one that is not there is missing. */
  child(name: string): ReportElement {
    return new ReportElement(this.#element?.first(name), `${this.#at}${name}/`, this.#problems);
  }

  children(name: string): readonly ReportElement[] {
    const found = this.#element?.all(name) ?? [];
    return found.map((element) => new ReportElement(element, `${this.#at}${name}/`, this.#problems));
  }

  /** Text that may be missing; at most 2,000 characters of it. */
  optional(name: string): string | undefined {
    return this.#element?.first(name)?.text.slice(0, LONGEST_TEXT);
  }

  /** All texts of that name which are not empty, the first `most`. */
  texts(name: string, most: number): readonly string[] {
    const found = this.#element?.all(name).slice(0, most) ?? [];
    return found.map(({ text }) => text.slice(0, LONGEST_TEXT)).filter((text) => text !== '');
  }

  /** Text that has to be there; `''` when it is not. */
  text(name: string): string {
    const text = this.optional(name) ?? '';
    if (text === '') this.#problems.unexpected(this.#at + name, '');
    return text;
  }

  /** A whole number ≥ 0. */
  count(name: string): number | undefined {
    const text = this.optional(name) ?? '';
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
    if (value === undefined) this.#problems.unexpected(this.#at + name, text);
    return value;
  }

  /** One of several words, whatever their case; `unknown` for another one, and when it is missing. */
  word<T extends string>(name: string, words: readonly T[]): T | 'unknown' {
    const text = this.optional(name) ?? '';
    const found = this.#find(name, text, words);
    if (found === undefined) this.#problems.unexpected(this.#at + name, text);
    return found ?? 'unknown';
  }

  /** Like `word`, for what may be missing. */
  optionalWord<T extends string>(name: string, words: readonly T[]): T | undefined {
    const text = this.optional(name) ?? '';
    if (text === '') return undefined;
    const found = this.#find(name, text, words);
    if (found === undefined) this.#problems.unexpected(this.#at + name, text);
    return found;
  }

  #find<T extends string>(name: string, text: string, words: readonly T[]): T | undefined {
    const exact = words.find((word) => word === text);
    if (exact !== undefined) return exact;
    const lower = text.toLowerCase();
    const found = words.find((word) => word === lower) ?? words.find((word) => word === SYNONYMS.get(lower));
    if (found !== undefined) this.#problems.unexpected(this.#at + name, text);
    return found;
  }
}
