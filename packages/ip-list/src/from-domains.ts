/** More than any domain has, with its spaces: what is longer is none. */
const LONGEST_DOMAIN = 512;

const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;
/** What ends a domain; a literal in brackets is none. */
const ENDS = new Set(' \t\r\n<>()[],;:"\\@');

/**
 * The domains in a `From` field (RFC 5322 §3.6.2): what stands behind each `@` that is outside of quoted strings and
 * comments. That finds every author, whichever of several a reader shows, and takes no name for an author: a name with an
 * `@` must be quoted. When a quoted string or a comment does not end, readers differ, and every `@` counts.
 *
 * Space around dots, which RFC 5322 §4.4 allows of old, is taken out. Two passes; never throws on a string.
 *
 * @param value - the field's value, unfolded
 * @param most - so many `@` are looked at
 * @returns text as it is written, which may be no domain at all
 */
export function fromDomains(value: string, most: number): readonly string[] {
  const text = outsideOfQuotes(value) ?? value;
  const domains: string[] = [];
  let left = most;
  for (let at = text.indexOf('@'); at >= 0 && left > 0; at = text.indexOf('@', at + 1)) {
    left--;
    const domain = domainAt(text, at + 1);
    if (domain !== '') domains.push(domain);
  }
  return domains;
}

/** Without quoted strings (RFC 5322 §3.2.4) and comments (§3.2.2); `undefined` when one of them does not end. */
function outsideOfQuotes(value: string): string | undefined {
  let text = '';
  let quoted = false;
  let depth = 0;
  // Where what is outside goes on: it is copied in runs.
  let start = 0;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    const inside = quoted || depth > 0;
    if (code === BACKSLASH && inside) at++;
    else if (code === QUOTE && depth === 0) quoted = !quoted;
    else if (code === OPEN && !quoted) depth++;
    else if (code === CLOSE && depth > 0 && !quoted) depth--;
    else continue;
    const outside = !quoted && depth === 0;
    if (!inside && !outside) text += value.slice(start, at);
    else if (inside && outside) start = at + 1;
  }
  return quoted || depth > 0 ? undefined : text + value.slice(start);
}

function domainAt(text: string, start: number): string {
  let domain = '';
  let at = behindSpace(text, start);
  while (domain.length <= LONGEST_DOMAIN) {
    const from = at;
    while (at < text.length && !ENDS.has(text.charAt(at))) at++;
    domain += text.slice(from, at);
    const next = behindSpace(text, at);
    const goesOn = next > at && next < text.length && (domain.endsWith('.') || text.charAt(next) === '.');
    if (from === at || !goesOn) return domain;
    at = next;
  }
  return '';
}

function behindSpace(text: string, start: number): number {
  let at = start;
  while (text.charAt(at) === ' ' || text.charAt(at) === '\t') at++;
  return at;
}
