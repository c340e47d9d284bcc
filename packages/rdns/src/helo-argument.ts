import { type IpAddress, parseAddressLiteral, toAsciiDomain } from '@postern/core';

/** What stands behind HELO or EHLO (RFC 5321 §4.1.1.1). */
export type HeloArgument =
  | { readonly form: 'domain'; readonly domain: string }
  | { readonly form: 'address-literal'; readonly ip: IpAddress }
  | { readonly form: 'invalid' };

const invalid: HeloArgument = { form: 'invalid' };
const FIRST_NON_ASCII = 0x80;

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= FIRST_NON_ASCII) return false;
  return true;
}

/**
 * Reads `Domain / address-literal` (RFC 5321 §4.1.1.1, §4.1.3). A bare address, `192.0.2.1` without brackets, is neither.
 * RFC 6531 §3.7.1 has internationalized clients use A-labels here, so text beyond ASCII is no domain. Underscores are
 * taken, since so many Windows hosts have them. One pass; never throws on a string.
 */
export function parseHelo(helo: string): HeloArgument {
  if (helo.startsWith('[')) {
    const literal = parseAddressLiteral(helo);
    // RFC 5321 §4.1.3: a General-address-literal needs a tag that is registered, and none is.
    return literal?.kind === 'ip' ? { form: 'address-literal', ip: literal.ip } : invalid;
  }
  if (helo.endsWith('.') || !isAscii(helo)) return invalid;
  const domain = toAsciiDomain(helo, { underscores: true });
  return domain === undefined ? invalid : { form: 'domain', domain };
}
