import { type Mailbox, parseMailbox } from '../smtp/mailbox.ts';
import type { MailboxRefusal } from '../smtp/mailbox-fault.ts';
import { isAtext } from '../smtp/mailbox-grammar.ts';

const TAB = 0x09;
const SPACE = 0x20;
const OPEN_PARENTHESIS = 0x28;
const DOT = 0x2e;
const DELETE = 0x7f;
const LAST_CONTROL = 0x9f;
const LINE_SEPARATOR = 0x2028;
const PARAGRAPH_SEPARATOR = 0x2029;
const REPLACEMENT = 0xfffd;

/** A field of originators that goes beyond is not read: a hundred addresses fit. */
const LONGEST_FIELD = 16_384;

/** A mailbox of a `From` or `Sender` field. */
export interface Originator extends Mailbox {
  /** As it stands in the field, without display name and angle brackets. */
  readonly address: string;
}

/**
 * Why a field of originators cannot be read beyond doubt.
 *
 * - `too-long`: more than 16,384 characters
 * - `no-address`: nothing, or a name without an address, where a mailbox has to stand
 * - `group`: a group (RFC 5322 §3.4), which were not asked for
 * - `bad-domain`: what stands behind the `@` of an otherwise well-formed address is neither a domain nor an address literal
 * - `malformed`: anything else
 */
export type OriginatorFault = 'too-long' | 'no-address' | 'group' | 'bad-domain' | 'malformed';

/** What {@link readOriginators} read, or why it could not. */
export type OriginatorReading =
  | { readonly ok: true; readonly originators: readonly Originator[] }
  | { readonly ok: false; readonly reason: OriginatorFault };

/** How to read a field of originators. */
export interface OriginatorOptions {
  /**
   * Whether groups are read, as RFC 6854 has let them into `From`: their members count like any other mailbox, and a group
   * may have none. Default `false`.
   */
  readonly groups?: boolean;
}

interface Token {
  /** `.` is an atom with dots that begins with one, `atom` any other, with or without. */
  readonly kind: 'atom' | 'quoted' | 'literal' | '<' | '>' | '@' | ',' | '.' | ':' | ';';
  readonly start: number;
  readonly end: number;
  /** Space or a comment stands before it. */
  readonly spaced: boolean;
}

/** What ends or routes an address elsewhere: in a quoted local part there are readers that fall for it. */
const specials = /[@<>()[\],;:"\\\t]/;

/**
 * The mailboxes of a `From` or `Sender` field (RFC 5322 §3.6.2), or why it cannot be read beyond doubt.
 *
 * Strict on purpose: what is shown to the recipient must be what was judged here, whichever reader he has. So there are no
 * routes, no empty places in the list, no space, comment or encoded word within an address, nothing in a comment that looks
 * like an address, no special character in a quoted local part, no control character, and nothing that is no UTF-8. A
 * display name may have dots in it, as RFC 5322 §4.1 allows of old.
 *
 * One pass over at most 16,384 characters; never throws on a string.
 *
 * @param value - the field's value, unfolded
 *
 * @example
 * ```ts
 * import { readOriginators } from '@postern/core';
 *
 * const reading = readOriginators('Ann Smith <ann@Example.com>');
 * if (reading.ok) console.log(reading.originators.map(({ domain }) => domain)); // [ 'example.com' ]
 * ```
 */
export function readOriginators(value: string, { groups = false }: OriginatorOptions = {}): OriginatorReading {
  if (value.length > LONGEST_FIELD) return refuse('too-long');
  const tokens = tokensOf(value);
  if (tokens === undefined) return refuse('malformed');
  if (tokens.length === 0) return refuse('no-address');
  const originators: Originator[] = [];
  let start = 0;
  let place: 'list' | 'group' | 'behind-group' = 'list';
  for (let at = 0; at <= tokens.length; at++) {
    const kind = tokens[at]?.kind;
    if (kind === ':') {
      if (place !== 'list' || !isDisplayName(tokens, start, at)) return refuse('malformed');
      if (!groups) return refuse('group');
      place = 'group';
      start = at + 1;
      // RFC 5322 §3.4: a group may be empty, and only as a whole.
      if (tokens[start]?.kind === ';') {
        place = 'behind-group';
        at = start;
        start = at + 1;
      }
      continue;
    }
    if (kind !== ',' && kind !== ';' && at < tokens.length) continue;
    // A semicolon ends a group and nothing else; the end of the field ends no group.
    if ((kind === ';') !== (place === 'group') && kind !== ',') return refuse('malformed');
    if (place === 'behind-group') {
      if (at > start) return refuse('malformed');
      place = 'list';
    } else {
      const originator = readOriginator(value, tokens, start, at);
      if (typeof originator === 'string') return refuse(originator);
      originators.push(originator);
      if (kind === ';') place = 'behind-group';
    }
    start = at + 1;
  }
  return { ok: true, originators };
}

function refuse(reason: OriginatorFault): OriginatorReading {
  return { ok: false, reason };
}

/** RFC 5322 §3.4 `mailbox`: an address alone, or in angle brackets behind a display name. */
function readOriginator(
  value: string,
  tokens: readonly Token[],
  start: number,
  end: number,
): Originator | OriginatorFault {
  let open = start;
  while (open < end && tokens[open]?.kind !== '<') open++;
  if (open === end) return readAddress(value, tokens, start, end);
  if (tokens[end - 1]?.kind !== '>' || (open > start && !isDisplayName(tokens, start, open))) return 'malformed';
  return open + 2 === end ? 'no-address' : readAddress(value, tokens, open + 1, end - 1);
}

/** RFC 5322 §3.4 `display-name`, with the dots of §4.1. */
function isDisplayName(tokens: readonly Token[], start: number, end: number): boolean {
  if (start === end || tokens[start]?.kind === '.') return false;
  for (let at = start; at < end; at++) {
    const kind = tokens[at]?.kind;
    if (kind !== 'atom' && kind !== 'quoted' && kind !== '.') return false;
  }
  return true;
}

/** RFC 5322 §3.4.1 `addr-spec`, with nothing between its parts. */
function readAddress(
  value: string,
  tokens: readonly Token[],
  start: number,
  end: number,
): Originator | OriginatorFault {
  const first = tokens[start];
  const last = tokens[end - 1];
  if (first === undefined || last === undefined || end <= start) return 'malformed';
  if (isDisplayName(tokens, start, end)) return 'no-address';
  for (let at = start + 1; at < end; at++) {
    if (tokens[at]?.spaced) return 'malformed';
  }
  const address = value.slice(first.start, last.end);
  const mailbox = parseMailbox(address);
  if ('reason' in mailbox) return isDomainFault(mailbox) ? 'bad-domain' : 'malformed';
  if (first.kind === 'quoted' && specials.test(mailbox.localPart)) return 'malformed';
  // RFC 2047 §5: no encoded word stands in an address. Readers that decode it all the same show another one.
  if (mailbox.localPart.includes('=?')) return 'malformed';
  return { address, localPart: mailbox.localPart, domain: mailbox.domain };
}

function isDomainFault({ reason }: MailboxRefusal): boolean {
  return reason === 'bad-domain' || reason === 'bad-literal' || reason === 'trailing-dot';
}

function tokensOf(value: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let spaced = false;
  for (let at = 0; at < value.length; ) {
    const code = value.charCodeAt(at);
    if (code === SPACE || code === TAB) {
      spaced = true;
      at++;
      continue;
    }
    if (code === OPEN_PARENTHESIS) {
      const end = endOfComment(value, at);
      if (end < 0) return undefined;
      spaced = true;
      at = end;
      continue;
    }
    const token = tokenAt(value, at, spaced);
    if (token === undefined) return undefined;
    tokens.push(token);
    spaced = false;
    at = token.end;
  }
  return tokens;
}

function tokenAt(value: string, start: number, spaced: boolean): Token | undefined {
  let end = start;
  while (end < value.length && isAtomCharacter(value, end)) end++;
  if (end > start) return { kind: value.charCodeAt(start) === DOT ? '.' : 'atom', start, end, spaced };
  const char = value.charAt(start);
  switch (char) {
    case '<':
    case '>':
    case '@':
    case ',':
    case ':':
    case ';':
      return { kind: char, start, end: start + 1, spaced };
    case '"': {
      end = endOfQuotedString(value, start);
      return end < 0 ? undefined : { kind: 'quoted', start, end, spaced };
    }
    case '[': {
      const bracket = value.indexOf(']', start);
      return bracket < 0 ? undefined : { kind: 'literal', start, end: bracket + 1, spaced };
    }
    default:
      // A control character, a stray bracket or backslash.
      return undefined;
  }
}

/** Where the quoted string that begins at `start` ends (RFC 5322 §3.2.4); -1 when it cannot be read. */
function endOfQuotedString(value: string, start: number): number {
  for (let at = start + 1; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '"') return at + 1;
    if (char === '\\') at++;
    if (!isText(value, at)) return -1;
  }
  return -1;
}

/**
 * Where the comment that begins at `start` ends (RFC 5322 §3.2.2), the ones within it included; -1 when it cannot be read,
 * or has in it what a reader who knows no comments could take for an address or the beginning of a name.
 */
function endOfComment(value: string, start: number): number {
  let depth = 0;
  for (let at = start; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at + 1;
    if (!isText(value, at) || '<>@"'.includes(value.charAt(at))) return -1;
  }
  return -1;
}

/** Printable, space or tab, ASCII or beyond (RFC 6532 §3.2), and not what stands where bytes were no UTF-8. */
function isText(value: string, at: number): boolean {
  const code = value.charCodeAt(at);
  if (code === TAB) return true;
  if (!(code >= SPACE) || (code >= DELETE && code <= LAST_CONTROL)) return false;
  return code !== REPLACEMENT && code !== LINE_SEPARATOR && code !== PARAGRAPH_SEPARATOR;
}

/** `atext` of RFC 5322 §3.2.3, what is beyond ASCII, and dots. */
function isAtomCharacter(value: string, at: number): boolean {
  const code = value.charCodeAt(at);
  return code > DELETE ? isText(value, at) : code === DOT || isAtext(code);
}
