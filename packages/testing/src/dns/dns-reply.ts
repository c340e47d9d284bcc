import type { ReceivedQuery } from './dns-query.ts';
import { MessageWriter } from './message-writer.ts';
import type { ZoneAnswer } from './zone.ts';

/** Response codes (RFC 1035 §4.1.1, RFC 6891 §9). */
const rcodes = {
  noerror: 0,
  formerr: 1,
  servfail: 2,
  nxdomain: 3,
  notimp: 4,
  refused: 5,
  badvers: 16,
} as const;

/** The name of a response code. */
export type Rcode = keyof typeof rcodes;

/** How a reply is written. */
export interface ReplyOptions {
  /** The most bytes that the client takes; a longer reply is cut and has TC set. */
  readonly maxBytes: number;
  /** Sets TC and leaves the answer out whatever its length. */
  readonly truncate?: boolean;
  /** Sets AD whatever the zone says. */
  readonly forceAuthentic?: boolean;
  /** Whom the answer's records belong to instead. */
  readonly owner?: string;
  /** Leaves the OPT record out, as servers from before EDNS do. */
  readonly withoutEdns?: boolean;
}

/** The longest message that TCP's length field can announce (RFC 1035 §4.2.2). */
export const LONGEST_MESSAGE = 65_535;
const QR = 0x8000;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;
const AD = 0x0020;
const CD = 0x0010;

/** A reply without records. */
export function writeRcode(received: ReceivedQuery, rcode: Rcode, options: Partial<ReplyOptions> = {}): Buffer {
  return finish(received, newWriter(received), rcode, 0, 0, flagsOf(received), options.withoutEdns);
}

/** FORMERR to what could not be read: all that is known of it is its id (RFC 1035 §4.1.1). */
export function writeFormerr(bytes: Buffer): Buffer {
  const reply = Buffer.alloc(12);
  reply.writeUInt16BE(bytes.readUInt16BE(0), 0);
  reply.writeUInt16BE(QR | rcodes.formerr, 2);
  return reply;
}

/** The reply that the zone's answer makes. */
export function writeAnswer(
  received: ReceivedQuery,
  found: Exclude<ZoneAnswer, { kind: 'failure' }>,
  options: ReplyOptions,
): Buffer {
  const writer = newWriter(received);
  let answers = 0;
  let authorities = 0;
  for (const { owner, set } of found.aliases) answers += writer.set(owner, set, set.ttl);
  if (found.kind === 'records') {
    answers += writer.set(options.owner ?? found.owner, found.set, found.set.ttl);
  } else if (found.authority !== undefined) {
    // RFC 2308 §3: the TTL of the SOA in a negative answer is the lesser of its own and its MINIMUM.
    const { owner, set } = found.authority;
    authorities = writer.set(owner, set, Math.min(set.ttl, set.records[0]?.minimum ?? 0));
  }

  const { query } = received;
  // RFC 6840 §5.8: AD is only set for those who asked with AD or DO.
  const asked = query.authenticData || query.dnssecOk;
  const authentic = options.forceAuthentic === true || (found.authentic && asked);
  const flags = flagsOf(received) | (authentic ? AD : 0);
  const rcode = found.kind === 'nxdomain' ? 'nxdomain' : 'noerror';
  const optBytes = query.ednsBytes === undefined ? 0 : OPT_BYTES;
  if (options.truncate !== true && writer.length + optBytes <= options.maxBytes) {
    return finish(received, writer, rcode, answers, authorities, flags, options.withoutEdns);
  }
  // Nothing longer fits any transport: a server that cannot say it says that it failed.
  if (options.maxBytes >= LONGEST_MESSAGE) return writeRcode(received, 'servfail');
  return finish(received, newWriter(received), rcode, 0, 0, flags | TC, options.withoutEdns);
}

function newWriter({ bytes, questionEnd, query }: ReceivedQuery): MessageWriter {
  return new MessageWriter(bytes.subarray(12, questionEnd), query.name);
}

function flagsOf({ query, opcode }: ReceivedQuery): number {
  return QR | (opcode << 11) | RA | (query.recursionDesired ? RD : 0) | (query.checkingDisabled ? CD : 0);
}

/** An OPT record without options. */
const OPT_BYTES = 11;
/** What this server takes itself: small enough never to be fragmented (DNS Flag Day 2020). */
const OWN_EDNS_BYTES = 1_232;

function finish(
  { query, bytes }: ReceivedQuery,
  writer: MessageWriter,
  rcode: Rcode,
  answers: number,
  authorities: number,
  flags: number,
  withoutEdns = false,
): Buffer {
  const number = rcodes[rcode];
  const hasOpt = query.ednsBytes !== undefined && !withoutEdns;
  // RFC 6891 §6.1.3: the OPT record carries the upper eight bits of the response code.
  if (hasOpt) writer.opt(OWN_EDNS_BYTES, number >> 4, query.dnssecOk);
  return writer.finish(bytes.readUInt16BE(0), flags | (number & 0xf), answers, authorities, hasOpt ? 1 : 0);
}
