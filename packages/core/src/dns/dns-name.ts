/** RFC 1035 §2.3.4: what a label and a whole name take at most on the wire, length octets and the root's included. */
export const maxLabelBytes = 63;
export const maxNameBytes = 255;

/** No name is longer as text, not even with every octet written as `\DDD`. */
const maxTextLength = 4 * maxNameBytes;

const ZERO = 0x30;
const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** The octet that an escape at `at`, behind its backslash, stands for; -1 when it is none. */
function escapedOctet(text: string, at: number): number {
  const first = text.charCodeAt(at) - ZERO;
  if (!(first >= 0 && first <= 9)) {
    const code = text.charCodeAt(at);
    return code > 0x20 && code < 0x7f ? code : -1;
  }
  const second = text.charCodeAt(at + 1) - ZERO;
  const third = text.charCodeAt(at + 2) - ZERO;
  if (!(second >= 0 && second <= 9 && third >= 0 && third <= 9)) return -1;
  const octet = first * 100 + second * 10 + third;
  return octet <= 255 ? octet : -1;
}

/**
 * A domain name as it stands in a DNS message, in lower case; `undefined` when no question can be asked about it: an empty
 * label, a label of more than 63 octets, more than 255 octets in all, or a character that is not printable ASCII.
 *
 * Names are octets to DNS (RFC 2181 §11), so `_dmarc`, `a/b` and `*` are as good as any. Octets that text cannot show are
 * written as in master files (RFC 1035 §5.1): `\.` is a dot inside a label, `\032` a space. One trailing dot is accepted;
 * `''` and `'.'` are the root.
 */
export function encodeName(name: string): Buffer | undefined {
  if (name.length > maxTextLength) return undefined;
  if (name === '' || name === '.') return Buffer.alloc(1);
  const wire = Buffer.allocUnsafe(name.length + 2);
  let labelStart = 0;
  let length = 1;
  for (let at = 0; at < name.length; at++) {
    let code = name.charCodeAt(at);
    if (code === DOT) {
      if (length === labelStart + 1) return undefined;
      wire[labelStart] = length - labelStart - 1;
      labelStart = length++;
      continue;
    }
    if (code <= 0x20 || code >= 0x7f) return undefined;
    if (code === BACKSLASH) {
      code = escapedOctet(name, ++at);
      if (code < 0) return undefined;
      if (name.charCodeAt(at) - ZERO <= 9) at += 2;
    }
    if (length - labelStart > maxLabelBytes) return undefined;
    wire[length++] = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
  }
  wire[labelStart] = length - labelStart - 1;
  // Behind a trailing dot the empty label is the root already.
  if (length - labelStart > 1) wire[length++] = 0;
  return length <= maxNameBytes ? wire.subarray(0, length) : undefined;
}
