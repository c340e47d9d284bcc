import { formatIp, type IpAddress, reverseLabels } from '@postern/core';

/** RFC 7208 §7.2. `c`, `r` and `t` are for explanations alone. */
export type MacroLetter = 's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'h' | 'v' | 'c' | 'r' | 't';

/** One `%{…}`, read. */
interface MacroExpansion {
  readonly letter: MacroLetter;
  /** How many right-hand parts are kept, after the reversal; 0 for all. */
  readonly parts: number;
  readonly reverse: boolean;
  /** What the value is split at. */
  readonly delimiters: string;
  /** RFC 7208 §7.3: a capital letter asks for the escapes of URLs. */
  readonly escape: boolean;
}

/** Text as it stands, or something to fill in. */
export type MacroPart = string | MacroExpansion;

/** A macro-string (RFC 7208 §7.1), read, or what is wrong with it. */
export type MacroString =
  | {
      readonly ok: true;
      readonly parts: readonly MacroPart[];
      /** Where the text behind the last `%` sequence starts: the place to look for what a domain must end in. */
      readonly tail: number;
    }
  | { readonly ok: false; readonly problem: string };

/** What the letters stand for. */
export interface MacroValues {
  readonly ip: IpAddress;
  readonly sender: string;
  readonly localPart: string;
  readonly senderDomain: string;
  /** The domain whose record is evaluated at the moment. */
  readonly domain: string;
  /** A name of the client that leads back to it (RFC 7208 §7.3), or `unknown`. */
  readonly validatedName: string;
  readonly helo: string;
  readonly receiver: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const SPACE = 0x20;
const PERCENT = 0x25;
const HYPHEN = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const UNDERSCORE = 0x5f;
const OPEN_BRACE = 0x7b;
const SMALL = 0x20;
const SMALL_R = 0x72;
const TILDE = 0x7e;

const DELIMITERS = '.-+,/_=';
/** No value has more parts than characters: a mailbox has 768. */
const MOST_PARTS = 1_000;

const HEX_DIGITS = '0123456789ABCDEF';

const letters: readonly string[] = ['s', 'l', 'o', 'd', 'i', 'p', 'h', 'v', 'c', 'r', 't'] satisfies MacroLetter[];

function isLetter(text: string): text is MacroLetter {
  return letters.includes(text);
}

function isExplanationLetter(letter: MacroLetter): boolean {
  return letter === 'c' || letter === 'r' || letter === 't';
}

/** What stands between `%{` and `}`: `macro-letter transformers *delimiter` (RFC 7208 §7.1). */
function readExpansion(text: string, start: number, end: number): MacroExpansion | string {
  const first = text.charCodeAt(start);
  const letter = text.charAt(start).toLowerCase();
  if (start >= end || !isLetter(letter)) return 'a macro has a letter that does not exist';
  let at = start + 1;
  let parts = 0;
  let digits = 0;
  for (; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) break;
    digits++;
    parts = Math.min(parts * 10 + digit, MOST_PARTS);
  }
  // RFC 7208 §7.3: "If a DIGIT is specified, the value MUST be nonzero."
  if (digits > 0 && parts === 0) return 'a macro keeps no part at all';
  const reverse = at < end && (text.charCodeAt(at) | SMALL) === SMALL_R;
  if (reverse) at++;
  const delimiters = text.slice(at, end);
  for (const each of delimiters)
    if (!DELIMITERS.includes(each)) return 'a macro has something that does not belong there';
  return { letter, parts, reverse, delimiters: delimiters || '.', escape: (first & SMALL) === 0 };
}

/**
 * Reads a macro-string (RFC 7208 §7.1): visible ASCII and `%` sequences. One pass.
 *
 * @param letters - `all` for explanations and for modifiers that nobody knows: those that a domain must not have
 *   (RFC 7208 §7.2) are taken as well
 * @param spaces - whether a space may stand in it, as in explanations (§6.2)
 */
export function readMacroString(text: string, letters: 'domain' | 'all', spaces: boolean): MacroString {
  const parts: MacroPart[] = [];
  let literal = '';
  let start = 0;
  let tail = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== PERCENT) {
      if (code > SPACE && code <= TILDE) continue;
      if (code === SPACE && spaces) continue;
      return { ok: false, problem: 'it has characters that are not visible ASCII' };
    }
    literal += text.slice(start, at);
    const next = text.charCodeAt(++at);
    if (next === PERCENT) literal += '%';
    else if (next === UNDERSCORE) literal += ' ';
    else if (next === HYPHEN) literal += '%20';
    else if (next === OPEN_BRACE) {
      const end = text.indexOf('}', at);
      if (end < 0) return { ok: false, problem: 'a macro does not end' };
      const expansion = readExpansion(text, at + 1, end);
      if (typeof expansion === 'string') return { ok: false, problem: expansion };
      if (letters === 'domain' && isExplanationLetter(expansion.letter)) {
        return { ok: false, problem: `the macro letter "${expansion.letter}" is for explanations only` };
      }
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(expansion);
      at = end;
    } else return { ok: false, problem: 'a "%" stands alone' };
    start = at + 1;
    tail = start;
  }
  literal += text.slice(start);
  if (literal !== '') parts.push(literal);
  return { ok: true, parts, tail };
}

/** Whether one of the parts is this letter, or that one. */
export function usesMacro(parts: readonly MacroPart[], letter: MacroLetter, other: MacroLetter = letter): boolean {
  return parts.some((part) => typeof part !== 'string' && (part.letter === letter || part.letter === other));
}

function letterValue(letter: MacroLetter, values: MacroValues): string {
  switch (letter) {
    case 's':
      return values.sender;
    case 'l':
      return values.localPart;
    case 'o':
      return values.senderDomain;
    case 'd':
      return values.domain;
    case 'i':
      return dottedIp(values.ip);
    case 'p':
      return values.validatedName;
    case 'h':
      return values.helo;
    case 'v':
      return values.ip.family === 4 ? 'in-addr' : 'ip6';
    case 'c':
      return formatIp(values.ip);
    case 'r':
      return values.receiver;
    case 't':
      return String(Math.floor(values.now / 1_000));
  }
}

/** RFC 7208 §7.3: an IPv4 address as it is, an IPv6 address as 32 nibbles with dots. In capitals, as the test suite has it. */
function dottedIp(ip: IpAddress): string {
  if (ip.family === 4) return formatIp(ip);
  const nibbles = reverseLabels(ip).toUpperCase();
  let text = '';
  for (let at = nibbles.length - 1; at >= 0; at--) text += nibbles.charAt(at);
  return text;
}

/**
 * Splits the value at the delimiters, turns the parts round, keeps the right-hand ones, and joins what is left with dots
 * (RFC 7208 §7.3). Works from the end that is kept, so that the work is no more than what comes out.
 */
function transform(value: string, { parts, reverse, delimiters }: MacroExpansion): string {
  if (parts === 0 && !reverse && delimiters === '.') return value;
  let text = '';
  let taken = 0;
  if (reverse) {
    let start = 0;
    for (let at = 0; at <= value.length; at++) {
      if (at < value.length && !delimiters.includes(value.charAt(at))) continue;
      const part = value.slice(start, at);
      text = taken === 0 ? part : `${part}.${text}`;
      if (++taken === parts) return text;
      start = at + 1;
    }
    return text;
  }
  let end = value.length;
  for (let at = value.length - 1; at >= -1; at--) {
    if (at >= 0 && !delimiters.includes(value.charAt(at))) continue;
    const part = value.slice(at + 1, end);
    text = taken === 0 ? part : `${part}.${text}`;
    if (++taken === parts) return text;
    end = at;
  }
  return text;
}

/** RFC 3986 §2.3: `ALPHA / DIGIT / "-" / "." / "_" / "~"`. */
function isUnreserved(octet: number): boolean {
  const small = octet | SMALL;
  if ((small >= 0x61 && small <= 0x7a) || (octet >= ZERO && octet <= NINE)) return true;
  return octet === HYPHEN || octet === 0x2e || octet === UNDERSCORE || octet === TILDE;
}

function escapeUrl(value: string): string {
  let text = '';
  for (const octet of Buffer.from(value)) {
    if (isUnreserved(octet)) text += String.fromCharCode(octet);
    else text += `%${HEX_DIGITS.charAt(octet >>> 4)}${HEX_DIGITS.charAt(octet & 15)}`;
  }
  return text;
}

/** What one part stands for. */
export function expandPart(part: MacroPart, values: MacroValues): string {
  if (typeof part === 'string') return part;
  const text = transform(letterValue(part.letter, values), part);
  return part.escape ? escapeUrl(text) : text;
}
