import type { ListEntryInput } from './list-entry.ts';

/** What a reply line or a log line can carry of another party's text. */
const MAX_REASON = 255;
/** So many different reasons are remembered at a time. */
const MAX_REMEMBERED = 65_536;

const SPACE = 0x20;
const DELETE = 0x7f;

/**
 * The text apart from the piece of the file that it was cut from, which it would otherwise keep in memory; controls, which
 * could end a line of a reply or a log, are spaces.
 */
function cleanReason(text: string): string {
  const own = Buffer.from(text.slice(0, MAX_REASON)).toString();
  let clean = '';
  let start = 0;
  for (let at = 0; at < own.length; at++) {
    const code = own.charCodeAt(at);
    if (code >= SPACE && code !== DELETE && (code < 0x80 || code > 0x9f)) continue;
    clean += `${own.slice(start, at)} `;
    start = at + 1;
  }
  return (clean + own.slice(start)).trim();
}

/** The entries of one source: those that say the same are the same object. */
export class ReasonPool {
  readonly #source: string;
  readonly #allow = new Map<string, ListEntryInput>();
  readonly #block = new Map<string, ListEntryInput>();
  #last: ListEntryInput | undefined;
  #lastReason = '';

  constructor(source: string) {
    this.#source = source;
  }

  entry(action: 'allow' | 'block', reason: string): ListEntryInput {
    if (this.#last?.action === action && this.#lastReason === reason) return this.#last;
    const entries = action === 'allow' ? this.#allow : this.#block;
    let entry = entries.get(reason);
    if (entry === undefined) {
      const clean = cleanReason(reason);
      entry = entries.get(clean) ?? { action, reason: clean, source: this.#source };
      if (entries.size >= MAX_REMEMBERED) entries.clear();
      entries.set(clean, entry);
    }
    this.#last = entry;
    this.#lastReason = reason;
    return entry;
  }
}
