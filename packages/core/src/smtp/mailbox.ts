import type { MailboxRefusal } from './mailbox-fault.ts';
import { readMailboxDomain, scanLocalPart } from './mailbox-grammar.ts';

const QUOTE = 0x22;
const AT = 0x40;

/** A mailbox as one compares it: two spellings of one mailbox are equal. */
export interface Mailbox {
  /** What the local part means: without the quotes and backslashes of a quoted string (RFC 5321 §4.1.2). */
  readonly localPart: string;
  /** Lower case, A-labels; an address literal with its brackets. */
  readonly domain: string;
}

/** As {@link readMailbox}, with what keeps the text from being a mailbox. */
export function parseMailbox(address: string): Mailbox | MailboxRefusal {
  const end = scanLocalPart(address, 0, true);
  if (typeof end !== 'number') return end;
  if (end === address.length) return { reason: 'no-domain', position: end };
  if (address.charCodeAt(end) !== AT) return { reason: 'bad-local-part', position: end };
  const domain = readMailboxDomain(address, end + 1, address.length);
  if (typeof domain !== 'string' && 'reason' in domain) return domain;
  return { localPart: meaningOf(address.slice(0, end)), domain: typeof domain === 'string' ? domain : domain.text };
}

/**
 * Reads an address as it stands in an envelope, `ann@example.com` or `"ann smith"@example.com`, without angle brackets;
 * `undefined` when it is not exactly one mailbox, of RFC 5321 §4.1.2 or RFC 6531 §3.3. Never throws on a string.
 */
export function readMailbox(address: string): Mailbox | undefined {
  const mailbox = parseMailbox(address);
  return 'reason' in mailbox ? undefined : mailbox;
}

function meaningOf(localPart: string): string {
  return localPart.charCodeAt(0) === QUOTE ? localPart.slice(1, -1).replaceAll(/\\(.)/gsu, '$1') : localPart;
}
