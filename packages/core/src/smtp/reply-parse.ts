import { leadingStatus } from './enhanced-status.ts';
import type { SmtpReply } from './smtp-reply.ts';

const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const HYPHEN = 0x2d;
const ZERO = 0x30;

/** Sixteen times what a reply of 16 full lines has; a server that says more is not listened to. */
const LONGEST_REPLY = 128 * 1024;

/** The three digits at `start`, from 200 to 599 (RFC 5321 §4.2.1); 0 when there are none. */
function codeAt(text: string, start: number): number {
  let code = 0;
  for (let at = start; at < start + 3; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return 0;
    code = code * 10 + digit;
  }
  return code >= 200 && code <= 599 ? code : 0;
}

/**
 * Reads a complete reply as a server sent it: one or more lines, each ended by CR LF or LF, the last one perhaps not
 * ended. Each has the same code, a hyphen behind it on all but the last (RFC 5321 §4.2.1); a code alone is a line without
 * text (§4.2). The enhanced status code is taken from the first line and off those which repeat it (RFC 2034 §4); the
 * lines of `text` are joined by line feeds, their characters as received.
 *
 * `undefined` when it is no reply, more than one, or an unfinished one, and when it is longer than 128 KiB. One pass;
 * never throws on a string.
 *
 * @example
 * ```ts
 * import { parseReply } from '@postern/core';
 *
 * parseReply('550-5.1.1 No such user\r\n550 5.1.1 Try again with another\r\n');
 * // { code: 550, enhanced: '5.1.1', text: 'No such user\nTry again with another' }
 * ```
 */
export function parseReply(text: string): SmtpReply | undefined {
  if (text.length > LONGEST_REPLY) return undefined;
  const code = codeAt(text, 0);
  if (code === 0) return undefined;
  let enhanced = '';
  const lines: string[] = [];
  for (let start = 0; start < text.length; ) {
    const lineFeed = text.indexOf('\n', start);
    let end = lineFeed < 0 ? text.length : lineFeed;
    if (lineFeed > start && text.charCodeAt(end - 1) === CARRIAGE_RETURN) end--;
    if (codeAt(text, start) !== code) return undefined;

    const separator = end === start + 3 ? SPACE : text.charCodeAt(start + 3);
    if (separator !== SPACE && separator !== HYPHEN) return undefined;
    const line = text.slice(start + 4, end);
    const status = leadingStatus(line, code);
    const ends = status.length === line.length || line.charCodeAt(status.length) === SPACE;
    if (lines.length === 0 && ends) enhanced = status;
    lines.push(status !== '' && status === enhanced && ends ? line.slice(status.length + 1) : line);

    start = lineFeed < 0 ? text.length : lineFeed + 1;
    if (separator === SPACE) return start === text.length ? { code, enhanced, text: lines.join('\n') } : undefined;
  }
  return undefined;
}
