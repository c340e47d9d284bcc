import type { OptionReader } from '@postern/core';

/** A reply line has 512 octets with its codes and the gateway's id (RFC 5321 §4.5.3.1.5). */
const LONGEST_REPLY = 440;

const SPACE = 0x20;
const DELETE = 0x7f;

/** What fills the places of a template, by their names. */
export type TemplateWords = Readonly<Record<string, string>>;

/** The text of a reply with places in braces, `{ip}`: taken apart once, when the check is made. */
export class ReplyTemplate {
  readonly #parts: readonly string[];

  /** Reads the option `text`; it may have the places that are named, and no other. */
  constructor(read: OptionReader, byDefault: string, places: readonly string[]) {
    const text = read.text('text', byDefault);
    this.#parts = text.split(/[{}]/);
    const isKnown = (part: string, index: number): boolean => index % 2 === 0 || places.includes(part);
    if (text === '' || this.#parts.length % 2 === 0 || !this.#parts.every(isKnown)) {
      read.refuse('text', `a text with no other places than ${places.map((place) => `{${place}}`).join(', ')}`);
    }
  }

  /** One line of printable ASCII: reasons and names come from files and clients. */
  fill(words: TemplateWords): string {
    const text = this.#parts.map((part, index) => (index % 2 === 0 ? part : (words[part] ?? ''))).join('');
    return printableAscii(text.slice(0, LONGEST_REPLY)).trim();
  }
}

function printableAscii(text: string): string {
  let clean = '';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    clean += code < SPACE || code === DELETE ? ' ' : code > DELETE ? '?' : text.charAt(at);
  }
  return clean;
}
