import { domainToASCII, domainToUnicode } from 'node:url';

const HYPHEN = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UNDERSCORE = 0x5f;
const SMALL_A = 0x61;
const SMALL_F = 0x66;
const SMALL_X = 0x78;
const SMALL_Z = 0x7a;
/** Set in a small ASCII letter and not in the capital one. */
const SMALL = 0x20;
const FIRST_NON_ASCII = 0x80;

const LONGEST_LABEL = 63;
/** RFC 1035 §2.3.4: 255 octets on the wire are 253 characters of text. */
export const LONGEST_NAME = 253;
/** Four U-labels whose A-labels fit into 253 characters have fewer UTF-16 units than this. */
const LONGEST_TEXT = 512;

const INVALID = 0;
const FOREIGN = -1;

/** What `toAsciiDomain` and `toUnicodeDomain` take. */
export interface DomainOptions {
  /** Labels may contain underscores, as Windows hosts and DNS service names do. Default `false` (RFC 1123 §2.1). */
  readonly underscores?: boolean;
}

/** Whether the label from `start` to `end` is a number to `inet_aton` and to URLs: decimal, or hexadecimal behind `0x`. */
function isNumberLabel(text: string, start: number, end: number): boolean {
  const hexadecimal = text.charCodeAt(start) === ZERO && (text.charCodeAt(start + 1) | SMALL) === SMALL_X;
  for (let at = hexadecimal ? start + 2 : start; at < end; at++) {
    const code = text.charCodeAt(at) | SMALL;
    const digit = code >= ZERO && code <= NINE;
    if (!digit && !(hexadecimal && code >= SMALL_A && code <= SMALL_F)) return false;
  }
  return true;
}

/**
 * Where the domain in `text` ends, before its trailing dot; `INVALID` (0) when it is none; `FOREIGN` (-1) when it has
 * characters beyond ASCII, and of ASCII none but those that a domain may have.
 */
function scanDomain(text: string, underscores: boolean): number {
  if (text.length > LONGEST_TEXT) return INVALID;
  const end = text.charCodeAt(text.length - 1) === DOT ? text.length - 1 : text.length;
  let foreign = false;
  let wellFormed = true;
  let labelStart = 0;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    const small = code | SMALL;
    if ((small >= SMALL_A && small <= SMALL_Z) || (code >= ZERO && code <= NINE)) continue;
    if (code === DOT) {
      if (at === labelStart || at - labelStart > LONGEST_LABEL) wellFormed = false;
      labelStart = at + 1;
    } else if (code === HYPHEN) {
      // RFC 5321 §4.1.2: a sub-domain begins and ends with a letter or digit.
      if (at === labelStart || at + 1 === end || text.charCodeAt(at + 1) === DOT) wellFormed = false;
    } else if (code >= FIRST_NON_ASCII) {
      foreign = true;
    } else if (code !== UNDERSCORE || !underscores) {
      return INVALID;
    }
  }
  if (foreign) return FOREIGN;
  if (!wellFormed || end === labelStart || end - labelStart > LONGEST_LABEL || end > LONGEST_NAME) return INVALID;
  // RFC 3696 §2: no top-level domain is all digits. What looks like an address would be taken for one further on.
  return isNumberLabel(text, labelStart, end) ? INVALID : end;
}

/**
 * The domain as one compares and looks it up: lower case, A-labels (RFC 5890 §2.3.2.1), no trailing dot; `undefined` when
 * it is no host or mail domain. Labels have 1 to 63 letters, digits and inner hyphens (RFC 1123 §2.1), the whole at most
 * 253; the last label is not a number, so that neither `192.0.2.1` nor `0x7f.1` is a domain.
 *
 * Text beyond ASCII is mapped by UTS 46 (non-transitional) as the platform does it, and what comes out is held to the same
 * rules. ASCII never goes to the platform, which would decode `%41` and read `0x7f.1` as an address. An `xn--` label is
 * taken as it stands.
 *
 * Bounded: text of more than 512 UTF-16 units is no domain. Never throws on a string.
 *
 * @example
 * ```ts
 * import { toAsciiDomain } from '@postern/core';
 *
 * toAsciiDomain('Bücher.Example.'); // 'xn--bcher-kva.example'
 * toAsciiDomain('exa mple.com'); // undefined
 * ```
 */
export function toAsciiDomain(text: string, options?: DomainOptions): string | undefined {
  const underscores = options?.underscores ?? false;
  const end = scanDomain(text, underscores);
  if (end > INVALID) return text.slice(0, end).toLowerCase();
  if (end === INVALID) return undefined;
  const ascii = domainToASCII(text);
  const asciiEnd = scanDomain(ascii, underscores);
  return asciiEnd > INVALID ? ascii.slice(0, asciiEnd) : undefined;
}

/**
 * The domain for a person to read: `toAsciiDomain`, then U-labels (RFC 5890 §2.3.2.1). A label that does not lead back to
 * the same A-label stays as it is. Not for comparison, and not for where look-alike letters may deceive.
 */
export function toUnicodeDomain(text: string, options?: DomainOptions): string | undefined {
  const ascii = toAsciiDomain(text, options);
  if (ascii === undefined || !ascii.includes('xn--')) return ascii;
  const unicode = domainToUnicode(ascii);
  return toAsciiDomain(unicode, options) === ascii ? unicode : ascii;
}

/**
 * Whether `name` lies below `parent`, at any depth; a domain is not its own subdomain. Both as `toAsciiDomain` gives them.
 */
export function isSubdomainOf(name: string, parent: string): boolean {
  const at = name.length - parent.length;
  return at > 1 && parent !== '' && name.charCodeAt(at - 1) === DOT && name.endsWith(parent);
}
