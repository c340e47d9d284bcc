import { isSmtpReply, type SmtpReply } from './smtp-reply.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;
const LAST_CONTROL = 0x9f;
const LINE_SEPARATOR = 0x2028;
const PARAGRAPH_SEPARATOR = 0x2029;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;

/** RFC 5321 §4.5.3.1.5: a reply line has 512 octets with its code and CRLF. */
const LINE_OCTETS = 512;
/** `550-` and CRLF. */
const FRAME_OCTETS = 6;
/** No RFC bounds the lines of a reply; a client that keeps them all should not have to keep more. */
const MOST_LINES = 16;
/** Stands where text was left out. */
const ELLIPSIS = '...';

/** How `formatReply` and `formatReplyText` write. */
export interface ReplyFormat {
  /**
   * Characters beyond ASCII stay, to be sent as UTF-8. Only for a client that has said SMTPUTF8 (RFC 6531 §3.7.4.1).
   * Default `false`: each becomes `?`.
   */
  readonly smtpUtf8?: boolean;
}

/** What may stand for a code point in a reply: line feeds stay, other control characters become spaces. */
function replacementOf(codePoint: number, smtpUtf8: boolean): string {
  if (codePoint === LINE_FEED) return '\n';
  // The separators of Unicode end a line in some terminals and log viewers.
  if (codePoint <= LAST_CONTROL || codePoint === LINE_SEPARATOR || codePoint === PARAGRAPH_SEPARATOR) return ' ';
  const surrogate = codePoint >= FIRST_SURROGATE && codePoint <= LAST_SURROGATE;
  return smtpUtf8 && !surrogate ? String.fromCodePoint(codePoint) : '?';
}

/** The text without anything that may not stand in a reply. Only line feeds are left of the control characters. */
function clean(text: string, smtpUtf8: boolean): string {
  let result = '';
  // Runs of harmless characters are copied whole.
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const codePoint = text.codePointAt(at) ?? SPACE;
    if (codePoint >= SPACE && codePoint < DELETE) continue;
    result += text.slice(start, at);
    if (codePoint !== CARRIAGE_RETURN || text.charCodeAt(at + 1) !== LINE_FEED) {
      result += replacementOf(codePoint, smtpUtf8);
    }
    if (codePoint > 0xffff) at++;
    start = at + 1;
  }
  return start === 0 ? text : result + text.slice(start);
}

/** How much of a line fits into `budget` octets of UTF-8, in UTF-16 units. */
function fitting(line: string, budget: number): number {
  let octets = 0;
  for (let at = 0; at < line.length; ) {
    const codePoint = line.codePointAt(at) ?? 0;
    octets += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    if (octets > budget) return at;
    at += codePoint < 0x10000 ? 1 : 2;
  }
  return line.length;
}

/** Where to cut a line of which `most` units fit: at the last space, else in the middle of a word. */
function cutAt(line: string, most: number): number {
  const space = line.lastIndexOf(' ', most);
  return space > 0 ? space : most;
}

/** Adds to `lines` what the line becomes when each has at most `budget` octets. */
function fold(lines: string[], line: string, budget: number): void {
  let rest = line;
  do {
    const most = fitting(rest, budget);
    const cut = most === rest.length ? most : cutAt(rest, most);
    lines.push(rest.slice(0, cut));
    // The space at which a line is cut goes with the cut.
    rest = rest.slice(rest.charCodeAt(cut) === SPACE ? cut + 1 : cut);
  } while (rest !== '');
}

function shorten(line: string, budget: number): string {
  const most = fitting(line, budget - ELLIPSIS.length);
  return line.slice(0, most === line.length ? most : cutAt(line, most)) + ELLIPSIS;
}

/** The clean text of a reply, no longer than what could be shown of it, and the octets a line has for it. */
function prepare(caller: string, reply: SmtpReply, format: ReplyFormat | undefined): { text: string; budget: number } {
  if (!isSmtpReply(reply)) throw new TypeError(`${caller}: not an SMTP reply (see isSmtpReply)`);
  const status = reply.enhanced === '' ? 0 : reply.enhanced.length + 1;
  return {
    // Two UTF-16 units may be one `?`; nothing behind that many could be shown.
    text: clean(reply.text.slice(0, 2 * MOST_LINES * LINE_OCTETS), format?.smtpUtf8 ?? false),
    budget: LINE_OCTETS - FRAME_OCTETS - status,
  };
}

/** RFC 2034 §4: the enhanced status code stands before the text of every line. */
function withStatus(enhanced: string, line: string): string {
  if (enhanced === '') return line;
  return line === '' ? enhanced : `${enhanced} ${line}`;
}

/**
 * The reply as it goes over the wire (RFC 5321 §4.2.1): each line with the code and the enhanced status code, at most 512
 * octets with its CRLF. A line feed in the text (or CR LF) starts a new line, a line that is too long is folded between
 * words, and of more than 16 lines the rest is left out, marked by `...`.
 *
 * Nothing in the text can end a line otherwise: other control characters become spaces, characters beyond ASCII `?`
 * (see `ReplyFormat`).
 *
 * @throws TypeError when the reply is none: `isSmtpReply` tells that of one that somebody else has made
 *
 * @example
 * ```ts
 * import { formatReply } from '@postern/core';
 *
 * formatReply({ code: 550, enhanced: '5.7.1', text: 'Relaying denied\nPlease log in' });
 * // '550-5.7.1 Relaying denied\r\n550 5.7.1 Please log in\r\n'
 * ```
 */
export function formatReply(reply: SmtpReply, format?: ReplyFormat): string {
  const { text, budget } = prepare('formatReply', reply, format);
  const lines: string[] = [];
  for (const line of text.split('\n')) fold(lines, line, budget);
  if (lines.length > MOST_LINES) lines.splice(MOST_LINES - 1, Infinity, shorten(lines[MOST_LINES - 1] ?? '', budget));
  const last = lines.length - 1;
  return lines
    .map((line, index) => `${reply.code}${index === last ? ' ' : '-'}${withStatus(reply.enhanced, line)}\r\n`)
    .join('');
}

/**
 * The enhanced status code and the text on a single line, without the code and the CRLF, for servers that write those
 * themselves (`smtp-server`, Haraka): with them it has at most 512 octets. Line feeds become spaces; what is too long
 * ends in `...`. Otherwise like `formatReply`.
 */
export function formatReplyText(reply: SmtpReply, format?: ReplyFormat): string {
  const { text, budget } = prepare('formatReplyText', reply, format);
  const line = text.replaceAll('\n', ' ');
  return withStatus(reply.enhanced, fitting(line, budget) === line.length ? line : shorten(line, budget));
}
