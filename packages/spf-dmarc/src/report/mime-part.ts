import { type HeaderFields, HeaderParser } from '@postern/core';
import { type ContentType, readContentType } from './content-type.ts';

/** A part of a message that has no parts itself (RFC 2045), decoded. */
export interface MimePart {
  readonly header: HeaderFields;
  readonly type: ContentType;
  readonly content: Uint8Array;
}

/** The parts of a message, or why they cannot be told apart. */
export type MimeReading =
  | {
      readonly ok: true;
      readonly header: HeaderFields;
      readonly type: ContentType;
      readonly parts: readonly MimePart[];
    }
  | { readonly ok: false; readonly detail: string };

/** A report has three, and mailing lists and scanners add some. */
const MAX_PARTS = 20;
const MAX_DEPTH = 3;
const MAX_HEADER_BYTES = 65_536;
/** RFC 2046 §5.1.1. */
const LONGEST_BOUNDARY = 70;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DASH = 0x2d;
const EQUALS = 0x3d;
/** More white space than a line of quoted-printable has (RFC 2045 §6.7). */
const LONGEST_PADDING = 76;

/**
 * Takes a message apart into its leaves, in their order: at most 20, from at most 3 levels of `multipart`. What stands
 * within a `message/rfc822` is not looked at. Time is linear in the message and bounded by those numbers; never throws.
 */
export function readMimeParts(message: Uint8Array): MimeReading {
  const head = readHead(message);
  if (head === undefined) return { ok: false, detail: 'The header of the message is too large.' };
  const parts: MimePart[] = [];
  collect(head, 0, parts);
  return { ok: true, header: head.header, type: head.type, parts };
}

interface Head {
  readonly header: HeaderFields;
  readonly type: ContentType;
  readonly body: Uint8Array;
}

function readHead(bytes: Uint8Array): Head | undefined {
  const parser = new HeaderParser({ maxHeaderBytes: MAX_HEADER_BYTES });
  let state = parser.write(bytes);
  if (state.kind === 'incomplete') state = parser.end();
  if (state.kind !== 'complete') return undefined;
  return { header: state.header, type: readContentType(state.header.first('Content-Type')?.value), body: state.rest };
}

function collect({ header, type, body }: Head, depth: number, parts: MimePart[]): void {
  const boundary = type.parameters.get('boundary') ?? '';
  if (!type.type.startsWith('multipart/') || boundary === '' || boundary.length > LONGEST_BOUNDARY) {
    parts.push({ header, type, content: decode(body, header.first('Content-Transfer-Encoding')?.value) });
    return;
  }
  if (depth >= MAX_DEPTH) return;
  for (const each of split(body, boundary)) {
    if (parts.length >= MAX_PARTS) return;
    const head = readHead(each);
    if (head !== undefined) collect(head, depth + 1, parts);
  }
}

/** RFC 2046 §5.1.1: what stands between the lines that begin with two dashes and the boundary. */
function split(body: Uint8Array, boundary: string): readonly Uint8Array[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  const found: Uint8Array[] = [];
  let from: number | undefined;
  for (let at = bytes.indexOf(delimiter); at >= 0; at = bytes.indexOf(delimiter, at + delimiter.length)) {
    if ((at > 0 && bytes[at - 1] !== LF) || !endsDelimiter(bytes, at + delimiter.length)) continue;
    if (from !== undefined) found.push(bytes.subarray(from, Math.max(from, lineBreakBefore(bytes, at))));
    const behind = at + delimiter.length;
    const lineEnd = bytes.indexOf(LF, behind);
    const closing = bytes[behind] === DASH && bytes[behind + 1] === DASH;
    if (closing || lineEnd < 0 || found.length > MAX_PARTS) return found;
    from = lineEnd + 1;
  }
  // A message that was cut off.
  if (from !== undefined) found.push(bytes.subarray(from));
  return found;
}

/** Else it is another boundary that begins with the same characters, as that of a part within may. */
function endsDelimiter(bytes: Buffer, at: number): boolean {
  const next = bytes[at];
  if (next === undefined || next === CR || next === LF || next === SPACE || next === TAB) return true;
  return next === DASH && bytes[at + 1] === DASH;
}

/** The line break in front of a delimiter belongs to it. */
function lineBreakBefore(bytes: Uint8Array, at: number): number {
  return bytes[at - 2] === CR ? at - 2 : at - 1;
}

function decode(body: Uint8Array, encoding: string | undefined): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  switch (encoding?.trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(bytes.toString('latin1'), 'base64');
    case 'quoted-printable':
      return quotedPrintable(bytes);
    default:
      return bytes;
  }
}

/** RFC 2045 §6.7. What is no escape stays as it is. */
function quotedPrintable(bytes: Buffer): Uint8Array {
  const decoded = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let from = 0;
  for (let at = bytes.indexOf(EQUALS); at >= 0; at = bytes.indexOf(EQUALS, Math.max(from, at + 1))) {
    const code = 16 * hexValue(bytes[at + 1]) + hexValue(bytes[at + 2]);
    const behind = Number.isNaN(code) ? behindSoftBreak(bytes, at + 1) : at + 3;
    if (behind === undefined) continue;
    length += bytes.copy(decoded, length, from, at);
    if (!Number.isNaN(code)) decoded[length++] = code;
    from = behind;
  }
  length += bytes.copy(decoded, length, from);
  return decoded.subarray(0, length);
}

/** `undefined`: the line does not end there. Space at its end was added on the way. */
function behindSoftBreak(bytes: Buffer, from: number): number | undefined {
  let at = from;
  while (at < from + LONGEST_PADDING && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
  if (bytes[at] === CR) at++;
  return bytes[at] === LF ? at + 1 : undefined;
}

function hexValue(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : Number.NaN;
}
