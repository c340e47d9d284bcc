import { formatIp, parseIp, toAsciiDomain } from '@postern/core';
import type { DenyReason } from './deny-reason.ts';

const SPACE = 0x20;
const BANG = 0x21;
const QUOTE = 0x22;
const PERCENT = 0x25;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const AT = 0x40;
const BACKSLASH = 0x5c;
const SMALL_A = 0x61;
const SMALL_Z = 0x7a;
const DELETE = 0x7f;
/** Set in a small ASCII letter and not in the capital one. */
const SMALL = 0x20;

/** RFC 5321 §4.5.3.1.1 */
const LONGEST_LOCAL_PART = 64;
/** RFC 5321 §4.5.3.1.3: 256 octets with the angle brackets. That leaves no domain of 255 (§4.5.3.1.2) either. */
const LONGEST_MAILBOX = 254;

/** What UTS 46 takes for a dot. */
const DOTS = '.\u3002\uff0e\uff61';

/** What a recipient's text is. */
export type Recipient =
  | { readonly kind: 'postmaster' }
  | {
      readonly kind: 'mailbox';
      /** As `DomainSet` compares it; an address literal as {@link canonicalLiteral} writes it. */
      readonly domain: string;
      readonly literal: boolean;
      /** What a next server might take for a route. */
      readonly trick: RoutingTrick | undefined;
    }
  | { readonly kind: 'fault'; readonly reason: DenyReason };

/** How a local part can ask the next server to send the mail elsewhere. */
type RoutingTrick = Extract<DenyReason, 'percent-hack' | 'bang-path' | 'quoted-route'>;

function fault(reason: DenyReason): Recipient {
  return { kind: 'fault', reason };
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code === DELETE) return true;
  }
  return false;
}

/** RFC 5322 §3.2.3: letters, digits and ``!#$%&'*+-/=?^_`{|}~``. */
function isAtext(code: number): boolean {
  const letter = code | SMALL;
  if ((letter >= SMALL_A && letter <= SMALL_Z) || (code >= ZERO && code <= NINE)) return true;
  switch (code) {
    case BANG:
    case 0x23: // #
    case 0x24: // $
    case PERCENT:
    case 0x26: // &
    case 0x27: // '
    case 0x2a: // *
    case 0x2b: // +
    case 0x2d: // -
    case 0x2f: // /
    case 0x3d: // =
    case 0x3f: // ?
    case 0x5e: // ^
    case 0x5f: // _
    case 0x60: // `
    case 0x7b: // {
    case 0x7c: // |
    case 0x7d: // }
    case 0x7e: // ~
      return true;
    default:
      return false;
  }
}

/** RFC 5321 §4.1.2 `Dot-string`: atoms with single dots between them. Where it ends, or what is wrong with it. */
function scanDotString(address: string): number | DenyReason {
  let before = DOT;
  let at = 0;
  for (; at < address.length; at++) {
    const code = address.charCodeAt(at);
    if (code === AT) break;
    if (code > DELETE) return 'non-ascii-local-part';
    if (code === DOT ? before === DOT : !isAtext(code)) return 'bad-local-part';
    before = code;
  }
  return before === DOT ? 'bad-local-part' : at;
}

/** RFC 5321 §4.1.2 `Quoted-string`, whose first character is a quote. Where it ends, or what is wrong with it. */
function scanQuotedString(address: string): number | DenyReason {
  let escaped = false;
  for (let at = 1; at < address.length; at++) {
    const code = address.charCodeAt(at);
    if (code > DELETE) return 'non-ascii-local-part';
    // A backslash excuses neither.
    if (code < SPACE || code === DELETE) return 'control-character';
    if (escaped) {
      escaped = false;
    } else if (code === BACKSLASH) {
      escaped = true;
    } else if (code === QUOTE) {
      const next = at + 1;
      return next === address.length || address.charCodeAt(next) === AT ? next : 'bad-local-part';
    }
  }
  return 'bad-local-part';
}

/**
 * Looks at the raw local part, up to `end`, so that a backslash hides nothing. A colon is a route of RFC 822 or DECnet;
 * like `@` it can only stand within quotes.
 */
function routingTrick(address: string, end: number): RoutingTrick | undefined {
  let trick: RoutingTrick | undefined;
  for (let at = 0; at < end; at++) {
    const code = address.charCodeAt(at);
    if (code === AT || code === COLON) return 'quoted-route';
    if (code === PERCENT) trick ??= 'percent-hack';
    else if (code === BANG) trick ??= 'bang-path';
  }
  return trick;
}

/**
 * An address literal (RFC 5321 §4.1.3) as one compares it: `[192.0.2.1]`, and `[2001:db8::1]` for `[IPv6:2001:DB8::1]`;
 * `undefined` when it is none, or one of a kind that this version of SMTP does not know.
 */
export function canonicalLiteral(literal: string): string | undefined {
  if (!literal.startsWith('[') || !literal.endsWith(']') || literal.includes('%')) return undefined;
  const tagged = literal.slice(1, 6).toLowerCase() === 'ipv6:';
  const text = literal.slice(tagged ? 6 : 1, -1);
  const ip = tagged === text.includes(':') ? parseIp(text) : undefined;
  return ip === undefined ? undefined : `[${formatIp(ip)}]`;
}

/**
 * From left to right as the grammar goes, so that the first `@` outside quotes is the only one: readers that look for the
 * last one see the same mailbox.
 */
function readMailbox(address: string): Recipient {
  // RFC 5321 §4.1.1.3: the one recipient without a domain.
  if (address.length === 10 && address.toLowerCase() === 'postmaster') return { kind: 'postmaster' };
  const first = address.charCodeAt(0);
  if (first === AT) return fault(address.includes(':') ? 'source-route' : 'empty-local-part');

  const end = first === QUOTE ? scanQuotedString(address) : scanDotString(address);
  if (typeof end === 'string') return fault(end);
  const trick = routingTrick(address, end);
  if (end === address.length) return fault(trick ?? 'no-domain');
  if (end > LONGEST_LOCAL_PART) return fault('local-part-too-long');

  const text = address.slice(end + 1);
  if (text.startsWith('[')) {
    const literal = canonicalLiteral(text);
    return literal === undefined
      ? fault('address-literal')
      : { kind: 'mailbox', domain: literal, literal: true, trick };
  }
  const domain = toAsciiDomain(text, { underscores: true });
  if (domain === undefined) return fault(text.includes('@') ? 'nested-address' : 'bad-domain');
  if (DOTS.includes(text.charAt(text.length - 1))) return fault('trailing-dot');
  // An A-label can be longer than the U-label that was counted before.
  if (end + 1 + domain.length > LONGEST_MAILBOX) return fault('path-too-long');
  return { kind: 'mailbox', domain, literal: false, trick };
}

/**
 * Reads a recipient as a client wrote it between the angle brackets. Strict: what RFC 5321 §4.1.2 does not allow is a
 * fault, with its reason. A few passes over at most 254 characters; never throws on a string.
 */
export function readRecipient(address: string): Recipient {
  if (address === '') return fault('no-recipient');
  if (address.length > LONGEST_MAILBOX) return fault('path-too-long');
  const recipient = readMailbox(address);
  // No control character passes the grammar; here it only gets its name.
  return recipient.kind === 'fault' && hasControlCharacter(address) ? fault('control-character') : recipient;
}
