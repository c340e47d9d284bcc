/** XML 1.0 §2.2: what no document may hold, not even as a character reference. Lone surrogates are among them. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const BREAKS = /[\t\n\r]+/g;

/**
 * Makes text that may come from a client fit for an element of a report: on one line, without what XML cannot hold, and
 * of bounded length. Escaping `<` and `&` is the writer's.
 */
export class XmlText {
  #replaced = 0;

  /** How many characters became U+FFFD so far. */
  get replaced(): number {
    return this.#replaced;
  }

  /** @param maxLength - of UTF-16 units; what is longer ends with `…` */
  of(text: string, maxLength: number): string {
    // Not in the middle of a character of two units.
    const cut = text.length > maxLength ? `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…` : text;
    const clean = cut.replace(FORBIDDEN, () => {
      this.#replaced++;
      return '\ufffd';
    });
    return clean.replace(BREAKS, ' ').trim();
  }
}
