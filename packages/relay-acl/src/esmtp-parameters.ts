import type { Path } from '@postern/core';

const SPACE = 0x20;
const HYPHEN = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const EQUALS = 0x3d;
const CAPITAL_A = 0x41;
const CAPITAL_F = 0x46;
const SMALL_A = 0x61;
const SMALL_Z = 0x7a;
const DELETE = 0x7f;
/** Set in a small ASCII letter and not in the capital one. */
const SMALL = 0x20;

/** A parameter that cannot be read. */
export interface ParameterRefusal {
  readonly reason: 'bad-parameter' | 'duplicate-parameter';
  readonly position: number;
}

/** Whose values are `xtext` (RFC 3461 §4): those of RFC 4954 §5, RFC 3461 §4.2 and §4.4, RFC 4405 §2. */
const encoded: ReadonlySet<string> = new Set(['AUTH', 'ENVID', 'ORCPT', 'SUBMITTER']);

function bad(position: number): ParameterRefusal {
  return { reason: 'bad-parameter', position };
}

/** Where the keyword that begins at `start` ends (RFC 5321 §4.1.2: letters, digits, and hyphens not in front). */
function endOfKeyword(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const letter = code | SMALL;
    const ldh =
      (letter >= SMALL_A && letter <= SMALL_Z) || (code >= ZERO && code <= NINE) || (code === HYPHEN && at > start);
    if (!ldh) break;
  }
  return at;
}

/** Where the value that begins at `start` ends: before a space, `=`, or a control character. */
function endOfValue(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= SPACE || code === EQUALS || code === DELETE) break;
  }
  return at;
}

function isHexDigit(code: number): boolean {
  return (code >= ZERO && code <= NINE) || (code >= CAPITAL_A && code <= CAPITAL_F);
}

/**
 * RFC 3461 §4 `xtext`: `+` and two capital hexadecimal digits are a character. Only printable ones are taken, since what
 * could not stand in the command as it is must not come out of it. Gives where it fails otherwise.
 */
function decodeXtext(text: string, start: number, end: number): string | number {
  let decoded = '';
  let from = start;
  for (let at = text.indexOf('+', start); at >= 0 && at < end; at = text.indexOf('+', from)) {
    const isHex = at + 2 < end && isHexDigit(text.charCodeAt(at + 1)) && isHexDigit(text.charCodeAt(at + 2));
    const code = isHex ? Number.parseInt(text.slice(at + 1, at + 3), 16) : 0;
    if (code < SPACE || code >= DELETE) return at;
    decoded += text.slice(from, at) + String.fromCharCode(code);
    from = at + 3;
  }
  return decoded + text.slice(from, end);
}

/**
 * RFC 5321 §4.1.2 `Mail-parameters` and `Rcpt-parameters`, from `start` on, as `Path` has them. Values may go beyond ASCII
 * (RFC 6531 §3.3); whether they do is for others to judge. What a parameter means, and whether it may have a value, is not
 * looked at.
 */
export function parseParameters(text: string, start: number): Path['parameters'] | ParameterRefusal {
  const parameters = new Map<string, string | true>();
  let at = start;
  for (;;) {
    while (text.charCodeAt(at) === SPACE) at++;
    if (at >= text.length) return Object.fromEntries(parameters);
    const end = endOfKeyword(text, at);
    if (end === at) return bad(at);
    const keyword = text.slice(at, end).toUpperCase();
    if (parameters.has(keyword)) return { reason: 'duplicate-parameter', position: at };
    at = end;
    if (text.charCodeAt(end) !== EQUALS) {
      parameters.set(keyword, true);
    } else {
      at = endOfValue(text, end + 1);
      if (at === end + 1) return bad(at);
      const value = encoded.has(keyword) ? decodeXtext(text, end + 1, at) : text.slice(end + 1, at);
      if (typeof value === 'number') return bad(value);
      parameters.set(keyword, value);
    }
    if (at < text.length && text.charCodeAt(at) !== SPACE) return bad(at);
  }
}
