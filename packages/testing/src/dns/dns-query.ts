import { isRecordType, type RecordType } from '@postern/core';
import { decode } from 'dns-packet';
import type { LoggedQuery } from './query-log.ts';
import { nameText } from './zone-name.ts';

/** How a question came. `tls` is RFC 7858, `https` RFC 8484. */
export type DnsTransport = 'udp' | 'tcp' | 'tls' | 'https';

/** One question that a `DnsServer` received. */
export interface DnsQuery extends LoggedQuery {
  /** The name with the letters as the client wrote them. */
  readonly nameAsSent: string;
  readonly transport: DnsTransport;
  readonly id: number;
  /** Where it came from. */
  readonly address: string;
  readonly port: number;
  readonly recursionDesired: boolean;
  /** The AD bit: the client wants to know whether the answer validated (RFC 6840 §5.7). */
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** The size that the client's EDNS record allows; `undefined` without EDNS (RFC 6891). */
  readonly ednsBytes: number | undefined;
  /** The DO bit (RFC 3225). */
  readonly dnssecOk: boolean;
}

/** A question as the server works on it. */
export interface ReceivedQuery {
  readonly query: DnsQuery;
  readonly bytes: Buffer;
  /** Where the question section ends: what a reply repeats octet by octet. */
  readonly questionEnd: number;
  readonly recordType: RecordType | undefined;
  readonly isInternet: boolean;
  readonly typeNumber: number;
  readonly opcode: number;
  readonly ednsVersion: number | undefined;
}

const HEADER_BYTES = 12;

/** What came over the wire; `undefined` when it is no query with one question. */
export function readQuery(
  bytes: Buffer,
  from: { readonly transport: DnsTransport; readonly address: string; readonly port: number },
): ReceivedQuery | undefined {
  let packet: ReturnType<typeof decode>;
  try {
    packet = decode(bytes);
  } catch {
    return undefined;
  }
  const [question, ...others] = packet.questions ?? [];
  if (packet.flag_qr || question === undefined || others.length > 0) return undefined;

  const section = questionLabels(bytes);
  if (section === undefined) return undefined;
  const typeNumber = bytes.readUInt16BE(section.end);
  // dns-packet calls a type that it does not know UNKNOWN_65; RFC 3597 §5 calls it TYPE65.
  const type = question.type.startsWith('UNKNOWN_') ? `TYPE${typeNumber}` : question.type;
  const opt = (packet.additionals ?? []).find((record) => record.type === 'OPT');
  const query: DnsQuery = {
    ...from,
    name: nameText(section.labels),
    nameAsSent: section.labels.join('.'),
    type,
    id: bytes.readUInt16BE(0),
    recursionDesired: packet.flag_rd,
    authenticData: packet.flag_ad,
    checkingDisabled: packet.flag_cd,
    ednsBytes: opt?.udpPayloadSize,
    dnssecOk: opt?.flag_do ?? false,
  };
  return {
    query,
    bytes,
    questionEnd: section.end + 4,
    recordType: isRecordType(type) ? type : undefined,
    isInternet: bytes.readUInt16BE(section.end + 2) === 1,
    typeNumber,
    opcode: (bytes.readUInt8(2) >> 3) & 0xf,
    ednsVersion: opt?.ednsVersion,
  };
}

/** The labels of the question, each octet a latin1 character. */
function questionLabels(bytes: Buffer): { labels: string[]; end: number } | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = bytes[at]; length !== undefined && length <= 63; length = bytes[at]) {
    if (length === 0) return { labels, end: at + 1 };
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return undefined;
}
