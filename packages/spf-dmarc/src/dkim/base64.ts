const space = /[\t\n\r ]+/g;

/**
 * Reads the base64 of DKIM tags (RFC 6376 §2.10): folding white space may stand anywhere in it, its padding may be absent.
 *
 * @returns `undefined` when it is none
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const letters = text.replace(space, '');
  const padding = letters.indexOf('=');
  const length = padding < 0 ? letters.length : padding;
  // A last letter by itself holds six bits, which are no byte; padding fills a group of four.
  if (length % 4 === 1 || (padding >= 0 && (letters.length % 4 !== 0 || !isPadding(letters, padding))))
    return undefined;
  // Node takes the other two letters of base64url as well, and of characters beyond ASCII a part for the whole.
  if (letters.includes('-') || letters.includes('_') || Buffer.byteLength(letters) !== letters.length) return undefined;
  const bytes = Buffer.from(letters, 'base64');
  // Whatever else is no letter it leaves out, so that some byte is missing.
  return bytes.length === Math.floor((length * 3) / 4) ? bytes : undefined;
}

function isPadding(letters: string, from: number): boolean {
  const padding = letters.slice(from);
  return padding === '=' || padding === '==';
}
