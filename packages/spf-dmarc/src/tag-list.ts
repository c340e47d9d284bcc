type TagListFault = 'empty-tag' | 'no-value' | 'bad-name' | 'duplicate' | 'too-many';

export type TagList =
  | { readonly ok: true; readonly tags: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly fault: TagListFault; readonly at: string };

/** More tags than any list of RFC 6376 has use for. */
const MAX_TAGS = 64;
/** What of a bad tag a person gets to see. */
const LONGEST_QUOTED = 64;

/**
 * Reads the `tag=value; tag=value` of DKIM signatures and keys (RFC 6376 §3.2) and of ARC fields (RFC 8617 §4). Names
 * keep their case (RFC 6376 §3.2: they are case-sensitive). Space within values stays: what it means differs by tag. All of
 * it or nothing; DMARC records, which are read as far as they can be (RFC 9989 §4.8), are not read here.
 *
 * One pass; at most 64 tags. Never throws on a string.
 *
 * @param text - with folding white space anywhere around names, values and semicolons
 */
export function parseTagList(text: string): TagList {
  const tags = new Map<string, string>();
  for (let from = 0; from < text.length; ) {
    const semicolon = text.indexOf(';', from);
    const end = semicolon < 0 ? text.length : semicolon;
    const part = trimSpace(text, from, end);
    from = end + 1;
    if (part === '') {
      // RFC 6376 §3.2: the last semicolon may have nothing behind it but space.
      if (trimSpace(text, from, text.length) === '' && tags.size > 0) break;
      return { ok: false, fault: 'empty-tag', at: '' };
    }
    const equals = part.indexOf('=');
    if (equals < 0) return { ok: false, fault: 'no-value', at: part.slice(0, LONGEST_QUOTED) };
    const name = trimSpace(part, 0, equals);
    if (!isTagName(name)) return { ok: false, fault: 'bad-name', at: name.slice(0, LONGEST_QUOTED) };
    if (tags.has(name)) return { ok: false, fault: 'duplicate', at: name.slice(0, LONGEST_QUOTED) };
    if (tags.size >= MAX_TAGS) return { ok: false, fault: 'too-many', at: name.slice(0, LONGEST_QUOTED) };
    tags.set(name, trimSpace(part, equals + 1, part.length));
  }
  return { ok: true, tags };
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

function trimSpace(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** RFC 6376 §3.2: `tag-name = ALPHA *ALNUMPUNC`, where an underscore counts as well. */
function isTagName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(name);
}
