import { type Mailbox, readMailbox } from './mailbox.ts';

const TAB = 0x09;
const SPACE = 0x20;
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

interface Token {
  readonly kind: 'atom' | 'quoted' | 'literal' | '<' | '>' | '@' | ',' | '.';
  readonly text: string;
  /** Space or a comment stands before it. */
  readonly spaced: boolean;
}

/** What ends or routes an address elsewhere: in a quoted local part there are readers that fall for it. */
const specials = /[@<>()[\],;:"\\\t]/;

/**
 * The mailboxes of a `From` or `Sender` field (RFC 5322 §3.6.2), `undefined` when it cannot be read beyond doubt.
 *
 * Strict on purpose: what is shown to the recipient must be what was judged here, whichever reader he has. So there are no
 * groups (RFC 5322 §3.6.2 has none here, RFC 6854 has let some in), no routes, no empty places in the list, no space, comment
 * or encoded word within an address, nothing in a comment that looks like an address, no special character in a quoted local
 * part, no control character, and nothing that is no UTF-8. A display name may have dots in it, as RFC 5322 §4.1 allows of old.
 *
 * One pass over at most 16,384 characters; never throws on a string.
 *
 * @param value - the field's value, unfolded
 */
export function readOriginators(value: string): readonly Originator[] | undefined {
  if (value.length > LONGEST_FIELD) return undefined;
  const tokens = tokensOf(value);
  if (tokens === undefined) return undefined;
  const originators: Originator[] = [];
  let from = 0;
  for (let at = 0; at <= tokens.length; at++) {
    if (at < tokens.length && tokens[at]?.kind !== ',') continue;
    const originator = readOriginator(tokens.slice(from, at));
    if (originator === undefined) return undefined;
    originators.push(originator);
    from = at + 1;
  }
  return originators;
}

/** RFC 5322 §3.4 `mailbox`: an address alone, or in angle brackets behind a display name. */
function readOriginator(tokens: readonly Token[]): Originator | undefined {
  const open = tokens.findIndex(({ kind }) => kind === '<');
  if (open < 0) return readAddress(tokens);
  if (tokens.at(-1)?.kind !== '>') return undefined;
  const name = tokens.slice(0, open);
  if (name[0]?.kind === '.' || !name.every(({ kind }) => kind === 'atom' || kind === 'quoted' || kind === '.')) {
    return undefined;
  }
  return readAddress(tokens.slice(open + 1, -1));
}

/** RFC 5322 §3.4.1 `addr-spec`, with nothing between its parts. */
function readAddress(tokens: readonly Token[]): Originator | undefined {
  if (tokens.some(({ spaced }, index) => spaced && index > 0)) return undefined;
  const address = tokens.map(({ text }) => text).join('');
  const mailbox = readMailbox(address);
  if (mailbox === undefined || (address.startsWith('"') && specials.test(mailbox.localPart))) return undefined;
  // RFC 2047 §5: no encoded word stands in an address. Readers that decode it all the same show another one.
  if (mailbox.localPart.includes('=?')) return undefined;
  return { address, ...mailbox };
}

function tokensOf(value: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let spaced = false;
  for (let at = 0; at < value.length; ) {
    const char = value.charAt(at);
    if (char === ' ' || char === '\t') {
      spaced = true;
      at++;
      continue;
    }
    if (char === '(') {
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
    at += token.text.length;
  }
  return tokens;
}

function tokenAt(value: string, start: number, spaced: boolean): Token | undefined {
  const char = value.charAt(start);
  switch (char) {
    case '<':
    case '>':
    case '@':
    case ',':
    case '.':
      return { kind: char, text: char, spaced };
    case '"': {
      const end = endOfQuotedString(value, start);
      return end < 0 ? undefined : { kind: 'quoted', text: value.slice(start, end), spaced };
    }
    case '[': {
      const end = value.indexOf(']', start);
      return end < 0 ? undefined : { kind: 'literal', text: value.slice(start, end + 1), spaced };
    }
    default: {
      let end = start;
      while (end < value.length && isAtomCharacter(value, end)) end++;
      // A control character, a group's colon or semicolon, a stray bracket or backslash.
      return end === start ? undefined : { kind: 'atom', text: value.slice(start, end), spaced };
    }
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

/** `atext` of RFC 5322 §3.2.3 and what is beyond ASCII. */
function isAtomCharacter(value: string, at: number): boolean {
  return value.charCodeAt(at) > DELETE ? isText(value, at) : /[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]/.test(value.charAt(at));
}
