import { toAsciiDomain } from '../domain-name.ts';
import { type AddressLiteral, parseAddressLiteral } from './address-literal.ts';
import type { MailboxFault, MailboxRefusal } from './mailbox-fault.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const HYPHEN = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const AT = 0x40;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
const SMALL_A = 0x61;
const SMALL_Z = 0x7a;
const DELETE = 0x7f;
const LAST_CONTROL = 0x9f;
/** Set in a small ASCII letter and not in the capital one. */
const SMALL = 0x20;

/** RFC 5321 §4.5.3.1.1, in octets. */
const LONGEST_LOCAL_PART = 64;

/**
 * Characters that nobody can see or tell apart: controls of text, other spaces than that of ASCII, whatever else is drawn as
 * nothing, private use; and what is no character at all. Not the unassigned ones: the emoji of next year is somebody's
 * name all the same.
 */
const UNFIT =
  '[\\ufffd\\p{Cs}\\p{Cc}\\p{Cf}\\p{Co}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}]|(?! )\\p{Zs}';
/** Marked as pure, so that a bundle which reads no mailbox leaves it out. */
const unfit: RegExp = /* @__PURE__ */ new RegExp(UNFIT, 'u');
/** What decoders put in the place of bytes that are no UTF-8, and half of a surrogate pair. */
const undecoded = /[\ufffd\p{Cs}]/u;

function refusal(reason: MailboxFault, position: number): MailboxRefusal {
  return { reason, position };
}

/** RFC 5322 §3.2.3 `atext`, within ASCII: letters, digits and ``!#$%&'*+-/=?^_`{|}~``. */
export function isAtext(code: number): boolean {
  const letter = code | SMALL;
  if ((letter >= SMALL_A && letter <= SMALL_Z) || (code >= ZERO && code <= NINE)) return true;
  switch (code) {
    case 0x21: // !
    case 0x23: // #
    case 0x24: // $
    case 0x25: // %
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

/** Where the first control character stands, C0, DEL or C1; -1 when there is none. */
export function controlCharacterAt(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || (code >= DELETE && code <= LAST_CONTROL)) return at;
  }
  return -1;
}

/** Where the first character beyond ASCII stands from `start` on, before `end`; -1 when there is none. */
export function nonAsciiAt(text: string, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if (text.charCodeAt(at) > DELETE) return at;
  }
  return -1;
}

/**
 * RFC 5321 §4.1.2 `Local-part`, with the characters beyond ASCII of RFC 6531 §3.3 when `utf8` says so. Gives where it ends:
 * before the first character that can be no part of it.
 */
export function scanLocalPart(text: string, start: number, utf8: boolean): number | MailboxRefusal {
  const first = text.charCodeAt(start);
  if (first === AT) return refusal('empty-local-part', start);
  const end = first === QUOTE ? scanQuotedString(text, start, utf8) : scanDotString(text, start, utf8);
  if (typeof end !== 'number' || !utf8) return end;
  const foreign = nonAsciiAt(text, start, end);
  return foreign < 0 ? end : (utf8Fault(text.slice(start, end), start) ?? end);
}

/** `Dot-string`: atoms with single dots between them. */
function scanDotString(text: string, start: number, utf8: boolean): number | MailboxRefusal {
  let before = DOT;
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > DELETE) {
      if (!utf8) return refusal('non-ascii-local-part', at);
    } else if (code === DOT) {
      if (before === DOT) return refusal('bad-local-part', at);
    } else if (!isAtext(code)) break;
    before = code;
  }
  if (before === DOT) return refusal('bad-local-part', at === start ? start : at - 1);
  return at;
}

/** `Quoted-string`, whose first character is a quote. */
function scanQuotedString(text: string, start: number, utf8: boolean): number | MailboxRefusal {
  for (let at = start + 1; at < text.length; at++) {
    let code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) {
      at++;
      code = text.charCodeAt(at);
      // RFC 6531 §3.3 leaves `quoted-pairSMTP` as it is: a backslash stands before printable ASCII only.
      if (code > DELETE) return refusal(utf8 ? 'bad-local-part' : 'non-ascii-local-part', at);
    }
    if (code > DELETE && !utf8) return refusal('non-ascii-local-part', at);
    if (code < SPACE || code === DELETE) return refusal('control-character', at);
  }
  return refusal('bad-local-part', text.length);
}

/** What is wrong with a local part that is not all ASCII; `start` is where it stands. */
function utf8Fault(localPart: string, start: number): MailboxRefusal | undefined {
  const found = unfit.exec(localPart);
  if (found !== null) {
    return refusal(undecoded.test(found[0]) ? 'bad-utf8' : 'invisible-character', start + found.index);
  }
  // RFC 6532 §3.1: NFC, else the same name has several spellings.
  const normal = localPart.normalize('NFC');
  if (normal !== localPart) {
    let at = 0;
    while (normal.charCodeAt(at) === localPart.charCodeAt(at)) at++;
    return refusal('not-normalized', start + Math.min(at, localPart.length - 1));
  }
  return undefined;
}

/** Whether what stands from `start` to `end` is too long for a local part. */
export function isLongLocalPart(text: string, start: number, end: number): boolean {
  const length = end - start;
  if (length > LONGEST_LOCAL_PART) return true;
  // No character has more than three octets for one UTF-16 unit.
  return length * 3 > LONGEST_LOCAL_PART && utf8Length(text, start, end) > LONGEST_LOCAL_PART;
}

/** How many octets of UTF-8 stand from `start` to `end`. */
export function utf8Length(text: string, start: number, end: number): number {
  return nonAsciiAt(text, start, end) < 0 ? end - start : Buffer.byteLength(text.slice(start, end));
}

/**
 * RFC 5321 §4.1.2 `Domain` or `address-literal`, from `start` to `end`: a domain as `toAsciiDomain` gives it (underscores
 * and U-labels are domains too), or a literal.
 */
export function readMailboxDomain(text: string, start: number, end: number): string | AddressLiteral | MailboxRefusal {
  const written = text.slice(start, end);
  if (written.startsWith('[')) return parseAddressLiteral(written) ?? refusal('bad-literal', start);
  const domain = toAsciiDomain(written, { underscores: true });
  if (domain === undefined) {
    const nested = written.indexOf('@');
    return nested < 0
      ? refusal('bad-domain', start + domainFaultAt(written))
      : refusal('nested-address', start + nested);
  }
  return endsWithDot(written) ? refusal('trailing-dot', end - 1) : domain;
}

/** Of a domain: UTS 46 has more dots than one, and drops characters that may stand behind them. */
function endsWithDot(domain: string): boolean {
  if (nonAsciiAt(domain, 0, domain.length) < 0) return domain.charCodeAt(domain.length - 1) === DOT;
  // A second dot at the end is one too many.
  return toAsciiDomain(`${domain}.`, { underscores: true }) === undefined;
}

/** Where it shows that `text` is no domain: the first character that none has, or the second dot of two; else the start. */
function domainFaultAt(text: string): number {
  let before = DOT;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const letter = code | SMALL;
    const ldh =
      (letter >= SMALL_A && letter <= SMALL_Z) ||
      (code >= ZERO && code <= NINE) ||
      code === UNDERSCORE ||
      (code === HYPHEN && before !== DOT) ||
      (code === DOT && before !== DOT && before !== HYPHEN) ||
      code > DELETE;
    if (!ldh) return at;
    before = code;
  }
  return 0;
}
