import { type IpAddress, parseIp } from '@postern/core';

/** What is read of a field: more than any server writes. */
const LONGEST_FIELD = 4_096;
/** `IPv6:` and the longest address, with room for brackets, a port and a full stop. */
const LONGEST_TOKEN = 64;

const TAB = 0x09;
const SPACE = 0x20;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;

/** What stands before `by` in a `Received` field. */
interface FromClause {
  /** What the host called itself, or its address; `''` without a `from`. */
  readonly name: string;
  /** The comments, without their parentheses. */
  readonly comments: readonly string[];
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Whether the word at `at`, which nothing but space may follow, is `word`. */
function isWordAt(text: string, at: number, word: string): boolean {
  const end = at + word.length;
  return text.slice(at, end).toLowerCase() === word && (end === text.length || isSpace(text.charCodeAt(end)));
}

/** One pass; `undefined` when a comment has no end. */
function fromClause(field: string): FromClause | undefined {
  const text = field.slice(0, LONGEST_FIELD);
  if (!isWordAt(text, 0, 'from')) return { name: '', comments: [] };
  const comments: string[] = [];
  let name = '';
  let depth = 0;
  let start = 0;
  for (let at = 'from'.length; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) {
      // RFC 5322 §3.2.1: what follows stands for itself.
      at++;
    } else if (code === OPEN) {
      if (depth++ === 0) start = at + 1;
    } else if (code === CLOSE && depth > 0) {
      if (--depth === 0) comments.push(text.slice(start, at));
    } else if (depth === 0 && !isSpace(code)) {
      // A word: read to its end at once.
      let end = at + 1;
      while (end < text.length && !isSpace(text.charCodeAt(end)) && text.charCodeAt(end) !== OPEN) end++;
      const word = text.slice(at, end);
      if (word.toLowerCase() === 'by') return { name, comments };
      if (name === '') name = word;
      at = end - 1;
    }
  }
  return depth > 0 ? undefined : { name, comments };
}

/** An address as servers write it: `[192.0.2.1]`, `[IPv6:2001:db8::1]`, `[192.0.2.1]:25`, `user@192.0.2.1`, or bare. */
function addressOf(token: string): IpAddress | undefined {
  if (token.length > LONGEST_TOKEN) return undefined;
  let text = token;
  const open = text.indexOf('[');
  const close = text.indexOf(']', open + 1);
  if (open >= 0 && close > open) text = text.slice(open + 1, close);
  else text = text.slice(text.lastIndexOf('@') + 1);
  if (text.slice(0, 5).toLowerCase() === 'ipv6:') text = text.slice(5);
  return parseIp(text);
}

function addressIn(comment: string): IpAddress | undefined {
  const lower = comment.slice(0, 5).toLowerCase();
  // qmail: `(HELO name) (192.0.2.1)`. What the client said of itself is no evidence.
  if (lower === 'helo ' || lower === 'ehlo ') return undefined;
  for (const token of comment.split(' ')) {
    // Exim: `([192.0.2.1] helo=[198.51.100.1])`.
    if (token.slice(0, 5).toLowerCase() === 'helo=') return undefined;
    const ip = addressOf(token);
    if (ip !== undefined) return ip;
  }
  return undefined;
}

/**
 * The address of the host that handed a message over, as a `Received` field tells it (RFC 5321 §4.4, and what Postfix,
 * Exim, Sendmail, qmail and Exchange make of it): in the first comment behind `from` that has one, since what stands
 * before it is what that host said of itself; without any such comment an address in its place.
 *
 * `none`: the field has no `from` with an address, such as one about a local submission. `unreadable`: a comment without
 * an end. One pass over at most 4,096 characters.
 *
 * @param value - the field's value, unfolded
 */
export function receivedAddress(value: string): IpAddress | 'none' | 'unreadable' {
  const clause = fromClause(value.trimStart());
  if (clause === undefined) return 'unreadable';
  for (const comment of clause.comments) {
    const ip = addressIn(comment);
    if (ip !== undefined) return ip;
  }
  // Bare, it may be a name; in brackets it is what Exim writes of a host without one.
  return (clause.name.startsWith('[') ? addressOf(clause.name) : undefined) ?? 'none';
}
