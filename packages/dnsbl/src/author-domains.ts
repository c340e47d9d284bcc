/** A field with more is not read to its end. */
const LONGEST_FIELD = 16_384;
/** RFC 5322 §3.6.2 allows several authors. A mass of them is an attempt to cause queries. */
export const MAX_AUTHORS = 4;

const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const AT = 0x40;
const BACKSLASH = 0x5c;

/** What ends a domain. An address literal goes to its colon or its end: it is no domain either way. */
const ends = new Set([...' \t>,;():<"@'].map((character) => character.charCodeAt(0)));

/** One pass; `undefined` when a quote or a comment has no end. */
function scan(text: string, structured: boolean): readonly string[] | undefined {
  const domains = new Set<string>();
  let quoted = false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (structured && code === BACKSLASH) at++;
    else if (structured && code === QUOTE && depth === 0) quoted = !quoted;
    else if (quoted) continue;
    else if (structured && code === OPEN) depth++;
    else if (code === CLOSE && depth > 0) depth--;
    else if (code === AT && depth === 0) {
      let end = at + 1;
      while (end < text.length && !ends.has(text.charCodeAt(end))) end++;
      if (domains.size < MAX_AUTHORS) domains.add(text.slice(at + 1, end).toLowerCase());
      at = end - 1;
    }
  }
  if (quoted || depth > 0) return undefined;
  domains.delete('');
  return [...domains];
}

/**
 * The domains of the addresses in a `From` field (RFC 5322 §3.6.2): what stands behind each `@` outside of quotes and
 * comments, without repetitions, at most 4. For questions about all that a reader may take for the sender, not for deciding
 * who it is. Where a quote or a comment has no end, what stands in quotes and comments counts as well.
 *
 * At most two passes over at most 16,384 characters.
 *
 * @param value - the field's value, unfolded
 */
export function authorDomains(value: string): readonly string[] {
  const text = value.slice(0, LONGEST_FIELD);
  return scan(text, true) ?? scan(text, false) ?? [];
}
