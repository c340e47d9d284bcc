import {
  type AddressLiteral,
  controlCharacterAt,
  isLongLocalPart,
  type MailboxFault,
  nonAsciiAt,
  readMailboxDomain,
  scanLocalPart,
  utf8Length,
} from '@postern/core';
import type { RoutingTrick } from './deny-reason.ts';

const BANG = 0x21;
const QUOTE = 0x22;
const PERCENT = 0x25;
const COLON = 0x3a;
const EQUALS = 0x3d;
const QUESTION = 0x3f;
const AT = 0x40;
const SMALL_I = 0x69;
/** Set in a small ASCII letter and not in the capital one. */
const SMALL = 0x20;

/** RFC 5321 §4.5.3.1.3: 256 octets with the angle brackets. That leaves no domain of 255 (§4.5.3.1.2) either. */
const LONGEST_MAILBOX = 254;

/** How Exchange 5.5 wrote an address within another one, and read it again from anyone. */
const ENCAPSULATED = 'imceasmtp-';

/** What a recipient's text is. */
export type Recipient =
  | { readonly kind: 'postmaster' }
  | {
      readonly kind: 'mailbox';
      /** As `DomainSet` compares it; an address literal as one compares literals. */
      readonly domain: string;
      readonly literal: AddressLiteral | undefined;
      /** What a next server might take for a route. */
      readonly trick: RoutingTrick | undefined;
    }
  | { readonly kind: 'fault'; readonly reason: MailboxFault | RoutingTrick };

function fault(reason: MailboxFault | RoutingTrick): Recipient {
  return { kind: 'fault', reason };
}

/**
 * Looks at the raw local part, up to `end`, so that a backslash hides nothing. A colon is a route of RFC 822 or DECnet;
 * like `@` it can only stand within quotes.
 */
function routingTrick(address: string, end: number): RoutingTrick | undefined {
  let trick: RoutingTrick | undefined;
  let before = 0;
  for (let at = 0; at < end; at++) {
    const code = address.charCodeAt(at);
    if (code === AT || code === COLON) return 'quoted-route';
    if (code === PERCENT) trick ??= 'percent-hack';
    else if (code === BANG) trick ??= 'bang-path';
    else if (code === QUESTION && before === EQUALS) trick ??= 'encoded-address';
    before = code;
  }
  return trick ?? (isEncapsulated(address) ? 'encoded-address' : undefined);
}

function isEncapsulated(address: string): boolean {
  const start = address.charCodeAt(0) === QUOTE ? 1 : 0;
  if ((address.charCodeAt(start) | SMALL) !== SMALL_I) return false;
  return address.slice(start, start + ENCAPSULATED.length).toLowerCase() === ENCAPSULATED;
}

/** A trick, also one that shows when somebody behind us normalizes: `％` (U+FF05) is a percent sign then. */
function trickIn(address: string, end: number, utf8: boolean): RoutingTrick | undefined {
  const trick = routingTrick(address, end);
  if (trick !== undefined || !utf8 || nonAsciiAt(address, 0, end) < 0) return trick;
  const normal = address.slice(0, end).normalize('NFKC');
  return routingTrick(normal, normal.length) === undefined ? undefined : 'disguised-route';
}

/**
 * From left to right as the grammar goes, so that the first `@` outside quotes is the only one: readers that look for the
 * last one see the same mailbox.
 */
function readMailbox(address: string, utf8: boolean): Recipient {
  // RFC 5321 §4.1.1.3: the one recipient without a domain.
  if (address.length === 10 && address.toLowerCase() === 'postmaster') return { kind: 'postmaster' };
  if (address.charCodeAt(0) === AT && address.includes(':')) return fault('source-route');

  const end = scanLocalPart(address, 0, utf8);
  if (typeof end !== 'number') return fault(end.reason);
  if (end !== address.length && address.charCodeAt(end) !== AT) return fault('bad-local-part');
  const trick = trickIn(address, end, utf8);
  if (end === address.length) return fault(trick ?? 'no-domain');
  if (isLongLocalPart(address, 0, end)) return fault('local-part-too-long');

  const domain = readMailboxDomain(address, end + 1, address.length);
  if (typeof domain === 'string') {
    // An A-label can be longer than the U-label that was counted before.
    const length = (utf8 ? utf8Length(address, 0, end) : end) + 1 + domain.length;
    return length > LONGEST_MAILBOX ? fault('path-too-long') : { kind: 'mailbox', domain, literal: undefined, trick };
  }
  if ('reason' in domain) return fault(domain.reason);
  return { kind: 'mailbox', domain: domain.text, literal: domain, trick };
}

/**
 * Reads a recipient as a client wrote it between the angle brackets. Strict: what RFC 5321 §4.1.2 does not allow is a
 * fault, with its reason. A few passes over at most 254 characters; never throws on a string.
 *
 * @param utf8 - whether the local part may go beyond ASCII (RFC 6531); a domain always may, since transports hand A-labels
 *   over as U-labels
 */
export function readRecipient(address: string, utf8: boolean): Recipient {
  if (address === '') return fault('no-recipient');
  // In octets it is counted below, where the domain has got the form that goes on.
  if (address.length > LONGEST_MAILBOX) return fault('path-too-long');
  const recipient = readMailbox(address, utf8);
  // No control character passes the grammar; here it only gets its name.
  return recipient.kind === 'fault' && controlCharacterAt(address) >= 0 ? fault('control-character') : recipient;
}
