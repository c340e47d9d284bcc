import { readDomain, scanLocalPart } from './mailbox-grammar.ts';

const QUOTE = 0x22;
const AT = 0x40;

/** A mailbox as one compares it: two spellings of one mailbox are equal. */
export interface Mailbox {
  /** What the local part means: without the quotes and backslashes of a quoted string (RFC 5321 §4.1.2). */
  readonly localPart: string;
  /** Lower case, A-labels; an address literal with its brackets. */
  readonly domain: string;
}

/**
 * Reads an address as it stands in an envelope, `ann@example.com` or `"ann smith"@example.com`, without angle brackets;
 * `undefined` when it is not exactly one mailbox, of RFC 5321 §4.1.2 or RFC 6531 §3.3. Never throws on a string.
 */
export function readMailbox(address: string): Mailbox | undefined {
  const end = scanLocalPart(address, 0, true);
  if (typeof end !== 'number' || address.charCodeAt(end) !== AT) return undefined;
  const domain = readDomain(address, end + 1, address.length);
  if (typeof domain !== 'string' && !('kind' in domain)) return undefined;
  return { localPart: meaningOf(address.slice(0, end)), domain: typeof domain === 'string' ? domain : domain.text };
}

function meaningOf(localPart: string): string {
  return localPart.charCodeAt(0) === QUOTE ? localPart.slice(1, -1).replaceAll(/\\(.)/gsu, '$1') : localPart;
}
