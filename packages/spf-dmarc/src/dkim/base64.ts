const space = /[\t\n\r ]+/g;
/** Letters of base64, then its padding (RFC 6376 §3.2; the padding may be left out there). */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Reads the base64 of DKIM tags (RFC 6376 §2.10): folding white space may stand anywhere in it, its padding may be absent.
 *
 * @returns `undefined` when it is none
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const letters = text.replace(space, '');
  if (!base64.test(letters)) return undefined;
  const padding = letters.indexOf('=');
  const length = padding < 0 ? letters.length : padding;
  // A last letter by itself holds six bits, which are no byte; padding fills a group of four.
  if (length % 4 === 1 || (padding >= 0 && letters.length % 4 !== 0)) return undefined;
  return Buffer.from(letters, 'base64');
}
