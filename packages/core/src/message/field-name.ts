/**
 * Whether the text can be the name of a header field: printable ASCII without space and colon (RFC 5322 §3.6.8), at most
 * 76 characters, so that the name, its colon and a space leave something of a line of 78 (§2.1.1).
 */
export function isFieldName(text: string): boolean {
  if (text.length === 0 || text.length > 76) return false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f || code === 0x3a) return false;
  }
  return true;
}
