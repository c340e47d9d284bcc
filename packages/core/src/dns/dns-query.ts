import type { RandomNumbers } from './random-numbers.ts';
import { RECORD_TYPE_CODES } from './record-type.ts';
import type { RecordType } from './resolver.ts';

/** RFC 1035 §4.1.1. */
export const HEADER_BYTES = 12;

/** The payload that travels without fragments nearly everywhere (DNS Flag Day 2020; RFC 9715 §3.1). */
const UDP_PAYLOAD_BYTES = 1232;
/** RFC 6891 §6.1.2: root name, type 41, payload size, extended RCODE, version, flags, no options. */
const OPT_RECORD = Buffer.from([0, 0, 41, UDP_PAYLOAD_BYTES >> 8, UDP_PAYLOAD_BYTES & 0xff, 0, 0, 0, 0, 0, 0]);

const DOT = 0x2e;

/** One question in the form of a message. */
export interface DnsQuestion<T extends RecordType = RecordType> {
  /** As `toDnsName` gives it. */
  readonly name: string;
  readonly type: T;
}

/** Draws the case of every letter, to be repeated by the reply (draft-vixie-dnsext-dns0x20). */
function mixCase(query: Buffer, start: number, end: number, random: RandomNumbers): void {
  let bits = 0;
  let left = 0;
  for (let at = start; at < end; at++) {
    const octet = query[at] ?? 0;
    // A length octet is at most 63, so it is never taken for a letter.
    if (octet < 0x61 || octet > 0x7a) continue;
    if (left === 0) {
      bits = random.uint16();
      left = 16;
    }
    if (bits & 1) query[at] = octet ^ 0x20;
    bits >>= 1;
    left--;
  }
}

/**
 * A query for `question`, whose name must come from `toDnsName`: it is not checked again.
 *
 * @param edns - with an OPT record (RFC 6891)
 * @param caseFrom - draws the case of every letter; without it all are small
 */
export function encodeQuery(
  id: number,
  { name, type }: DnsQuestion,
  edns: boolean,
  caseFrom: RandomNumbers | undefined,
): Buffer {
  const nameBytes = name === '' ? 1 : name.length + 2;
  const questionEnd = HEADER_BYTES + nameBytes + 4;
  const query = Buffer.allocUnsafe(edns ? questionEnd + OPT_RECORD.length : questionEnd);
  query[0] = id >> 8;
  query[1] = id;
  // RD: the server shall do the whole lookup. AD: this side understands the AD bit of the reply (RFC 6840 §5.7).
  query[2] = 0x01;
  query[3] = 0x20;
  query[4] = 0;
  query[5] = 1;
  for (let index = 6; index < HEADER_BYTES; index++) query[index] = 0;

  let labelStart = HEADER_BYTES;
  let at = HEADER_BYTES + 1;
  if (name === '') {
    query[HEADER_BYTES] = 0;
  } else {
    for (let index = 0; index < name.length; index++) {
      const code = name.charCodeAt(index);
      if (code === DOT) {
        query[labelStart] = at - labelStart - 1;
        labelStart = at++;
      } else {
        query[at++] = code;
      }
    }
    query[labelStart] = at - labelStart - 1;
    query[at++] = 0;
    if (caseFrom !== undefined) mixCase(query, HEADER_BYTES, at, caseFrom);
  }

  const typeCode = RECORD_TYPE_CODES[type];
  query[at] = typeCode >> 8;
  query[at + 1] = typeCode;
  query[at + 2] = 0;
  // Class IN.
  query[at + 3] = 1;
  if (edns) {
    query[HEADER_BYTES - 1] = 1;
    for (let index = 0; index < OPT_RECORD.length; index++) query[questionEnd + index] = OPT_RECORD[index] ?? 0;
  }
  return query;
}

/** Where the question of a query that `encodeQuery` wrote ends. */
function questionEnd(query: Buffer): number {
  return query[HEADER_BYTES - 1] === 0 ? query.length : query.length - OPT_RECORD.length;
}

function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/**
 * Whether `message` is a reply to `query`: a response with its id and its question (RFC 5452 §9.1). `exactCase`: the name
 * must be repeated letter by letter, which only a sender who saw the query can do when the case was drawn at random.
 *
 * A server that does not understand EDNS may answer FORMERR or NOTIMP with nothing but a header (RFC 6891 §7). That is
 * taken too, because all it can bring about is another query without EDNS or another server.
 */
export function isReplyTo(query: Buffer, message: Buffer, exactCase: boolean): boolean {
  if (message.length < HEADER_BYTES || message[0] !== query[0] || message[1] !== query[1]) return false;
  // QR set, OPCODE 0.
  if (((message[2] ?? 0) & 0xf8) !== 0x80) return false;
  const questions = ((message[4] ?? 0) << 8) | (message[5] ?? 0);
  const end = questionEnd(query);
  if (questions === 0) {
    const code = (message[3] ?? 0) & 0x0f;
    return message.length === HEADER_BYTES && (code === 1 || code === 4);
  }
  if (questions !== 1 || message.length < end) return false;
  const nameEnd = end - 4;
  for (let at = HEADER_BYTES; at < end; at++) {
    const asked = query[at] ?? 0;
    const repeated = message[at] ?? 0;
    if (asked === repeated) continue;
    if (exactCase || at >= nameEnd || lowerCase(asked) !== lowerCase(repeated)) return false;
  }
  return true;
}
