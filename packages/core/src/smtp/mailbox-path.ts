import { toAsciiDomain } from '../domain-name.ts';
import type { Path } from './path.ts';

const QUOTE = 0x22;
const AT = 0x40;
const BACKSLASH = 0x5c;

/** Where the last `@` stands that is not inside a quoted string (RFC 5321 §4.1.2); -1 when there is none. */
function lastUnquotedAt(address: string): number {
  let found = -1;
  let quoted = false;
  for (let at = 0; at < address.length; at++) {
    const code = address.charCodeAt(at);
    if (code === QUOTE) quoted = !quoted;
    // A quoted-pair: whatever comes next means nothing.
    else if (code === BACKSLASH && quoted) at++;
    else if (code === AT && !quoted) found = at;
  }
  return found;
}

/** The domain as one compares it; see `Path`. */
function comparableDomain(domain: string): string {
  return toAsciiDomain(domain, { underscores: true }) ?? domain.toLowerCase();
}

/**
 * The path for a mailbox that has been taken out of its angle brackets: split at the last `@` outside quotes, the domain
 * made comparable (as `toAsciiDomain` does it, underscores allowed; what is no domain, an address literal for one, is
 * in lower case as written). `''` is the null reverse-path; text without such an `@` is all local part.
 *
 * It splits and does not judge: whether the address follows the grammar of RFC 5321 is for others to say. One pass, and
 * never throws on a string.
 *
 * @param address - without angle brackets
 * @param parameters - ESMTP parameters, keywords in upper case; default none
 *
 * @example
 * ```ts
 * import { mailboxPath } from '@postern/core';
 *
 * mailboxPath('"a@b"@Bücher.example').domain; // 'xn--bcher-kva.example'
 * ```
 */
export function mailboxPath(address: string, parameters: Path['parameters'] = {}): Path {
  const at = lastUnquotedAt(address);
  if (at < 0) return { address, localPart: address, domain: '', parameters };
  return { address, localPart: address.slice(0, at), domain: comparableDomain(address.slice(at + 1)), parameters };
}
