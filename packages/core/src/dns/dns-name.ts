const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** RFC 1035 §2.3.4: a label has at most 63 octets, a name 255 with its length octets, so its text at most 253. */
const LONGEST_LABEL = 63;
const LONGEST_NAME = 253;

/**
 * The name of a DNS question as resolvers keep and compare it: lower case, no trailing dot, `''` for the root. `undefined`
 * when no question can be asked about it: an empty or overlong label, an overlong name, anything but printable ASCII
 * without backslash.
 *
 * Names are octets to DNS (RFC 2181 §11), so `_dmarc`, `a/b` and `*` are as good as any, and so is a space, which SPF
 * writes into names (`%_`, RFC 7208 §7.3). The backslash is left out because text such as `a\.b` means different names to
 * different readers.
 */
export function toDnsName(text: string): string | undefined {
  let end = text.length;
  if (end > 0 && text.charCodeAt(end - 1) === DOT) end--;
  if (end > LONGEST_NAME) return undefined;
  if (end === 0) return '';
  let labelStart = 0;
  let asItIs = end === text.length;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x41 && code <= 0x5a) {
      asItIs = false;
    } else if (code === DOT) {
      if (at === labelStart || at - labelStart > LONGEST_LABEL) return undefined;
      labelStart = at + 1;
    } else if (code < 0x20 || code >= 0x7f || code === BACKSLASH) {
      return undefined;
    }
  }
  if (end === labelStart || end - labelStart > LONGEST_LABEL) return undefined;
  return asItIs ? text : text.slice(0, end).toLowerCase();
}
