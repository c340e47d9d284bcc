import type { HeaderField, HeaderFields } from '@postern/core';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';

/** The fields that a signature covers. */
export interface SignedFields {
  /** In the order in which they are signed. */
  readonly fields: readonly HeaderField[];
  /** The names, in lower case, that `h=` holds more often than the header has fields: none can be added unnoticed. */
  readonly oversigned: ReadonlySet<string>;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const SMALL_B = 0x62;

/**
 * Picks the fields that `h=` names (RFC 6376 §5.4.2): each mention of a name takes the lowest field of that name that no
 * earlier mention took; a mention for which there is none counts as an empty string, which makes it a promise that there
 * was no further one.
 *
 * @param names - of `h=`, in its order, in any case
 * @param own - the signature field that is being judged: it did not stand in the header when that was signed
 */
export function selectSignedFields(header: HeaderFields, names: readonly string[], own?: HeaderField): SignedFields {
  const signatures = own === undefined ? undefined : header.all('dkim-signature').filter((field) => field !== own);
  const left = new Map<string, number>();
  const fields: HeaderField[] = [];
  const oversigned = new Set<string>();
  for (const each of names) {
    const name = each.toLowerCase();
    const all = name === 'dkim-signature' && signatures !== undefined ? signatures : header.all(name);
    const next = (left.get(name) ?? all.length) - 1;
    left.set(name, next);
    const field = all[next];
    if (field === undefined) oversigned.add(name);
    else fields.push(field);
  }
  return { fields, oversigned };
}

/**
 * The bytes that the signature of a header is made over (RFC 6376 §3.7): the fields in their order, each canonicalized and
 * ended by CRLF, then the signature field with the value of its `b=` removed and without a CRLF at its end.
 *
 * A bare LF that ends a line counts as CRLF, as `HeaderParser` reads it. Linear time, one buffer.
 *
 * @param signature - the raw `DKIM-Signature` field, with or without a value of `b=`
 */
export function signedHeaderBytes(
  fields: readonly HeaderField[],
  signature: Uint8Array,
  canonicalization: DkimCanonicalization,
): Uint8Array {
  const own = withoutSignatureValue(signature);
  let size = own.length;
  for (const { raw } of fields) size += raw.length;
  const relaxed = canonicalization === 'relaxed';
  // A colon and a CRLF that are missing are added; each LF becomes CRLF, unless those within a field go.
  const target = Buffer.allocUnsafe((relaxed ? size : 2 * size) + 3 * (fields.length + 1));
  const write = relaxed ? writeRelaxed : writeSimple;
  let length = 0;
  for (const { raw } of fields) length = write(raw, target, length);
  length = write(own, target, length);
  return target.subarray(0, length - 2);
}

/** RFC 6376 §3.4.2: lower-case name, lines unfolded, each run of white space one space, none at the ends of the value. */
function writeRelaxed(raw: Uint8Array, target: Uint8Array, start: number): number {
  let at = 0;
  let to = start;
  for (; at < raw.length; at++) {
    const byte = raw[at] ?? 0;
    if (byte === COLON) break;
    // No white space may stand in a name: what there is stands before the colon.
    if (byte !== SPACE && byte !== TAB && byte !== CR && byte !== LF) {
      target[to++] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    }
  }
  target[to++] = COLON;
  const valueStart = to;
  let pending = false;
  for (at++; at < raw.length; at++) {
    const byte = raw[at] ?? 0;
    if (byte > SPACE) {
      if (pending) target[to++] = SPACE;
      pending = false;
      target[to++] = byte;
    } else if (byte === SPACE || byte === TAB) {
      pending = to > valueStart;
    } else if (byte !== LF && !(byte === CR && (at + 1 === raw.length || raw[at + 1] === LF))) {
      // A control character is a character like any other.
      if (pending) target[to++] = SPACE;
      pending = false;
      target[to++] = byte;
    }
  }
  target[to++] = CR;
  target[to++] = LF;
  return to;
}

/** RFC 6376 §3.4.1: nothing changes. */
function writeSimple(raw: Uint8Array, target: Uint8Array, start: number): number {
  let to = start;
  let from = 0;
  for (let lf = raw.indexOf(LF); lf >= 0; lf = raw.indexOf(LF, from)) {
    if (lf === 0 || raw[lf - 1] !== CR) {
      target.set(raw.subarray(from, lf), to);
      to += lf - from;
      target[to++] = CR;
      target[to++] = LF;
    } else {
      target.set(raw.subarray(from, lf + 1), to);
      to += lf + 1 - from;
    }
    from = lf + 1;
  }
  if (from === raw.length && from > 0) return to;
  target.set(raw.subarray(from), to);
  to += raw.length - from;
  // A field without an end: the signature whose `b=` stood last, or the last one of a message without a body.
  target[to++] = CR;
  target[to++] = LF;
  return to;
}

/**
 * The field with the value of its `b=` tag removed, all white space around it included (RFC 6376 §3.7): from behind the
 * equals sign up to the semicolon or the end. Everything else stays as it is, byte for byte.
 *
 * @param raw - the whole `DKIM-Signature` field
 */
export function withoutSignatureValue(raw: Uint8Array): Uint8Array {
  const colon = raw.indexOf(COLON);
  for (let from = colon + 1; colon >= 0 && from < raw.length; ) {
    const semicolon = raw.indexOf(SEMICOLON, from);
    const end = semicolon < 0 ? raw.length : semicolon;
    const equals = endOfTagB(raw, from, end);
    if (equals >= 0) {
      const stripped = Buffer.allocUnsafe(equals + 1 + raw.length - end);
      stripped.set(raw.subarray(0, equals + 1));
      stripped.set(raw.subarray(end), equals + 1);
      return stripped;
    }
    from = end + 1;
  }
  return raw;
}

/** Where the equals sign of the tag stands if it is `b`; else -1. */
function endOfTagB(raw: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(raw[at])) at++;
  if (raw[at] !== SMALL_B) return -1;
  at++;
  while (at < end && isSpace(raw[at])) at++;
  return at < end && raw[at] === EQUALS ? at : -1;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === CR || byte === LF;
}
