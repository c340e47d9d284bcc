import { formatIp } from '../address/format-ip.ts';
import { ipFromBytes } from '../address/ip-bytes.ts';
import { MalformedMessage, type MessageReader } from './message-reader.ts';
import type { RecordData, RecordType } from './resolver.ts';

function readIpv4(reader: MessageReader): string {
  return `${reader.uint8()}.${reader.uint8()}.${reader.uint8()}.${reader.uint8()}`;
}

function readIpv6(reader: MessageReader): string {
  const ip = ipFromBytes(reader.message, reader.skip(16), 16);
  if (ip === undefined) throw new MalformedMessage('it ends inside a record');
  // RFC 5952 §5: an IPv4-mapped address in an AAAA record stays one, written with the dotted quad.
  return ip.family === 4 ? `::ffff:${formatIp(ip)}` : formatIp(ip);
}

/** RFC 1035 §3.3.14: one or more character-strings, each behind its length octet. */
function readText(reader: MessageReader, end: number): string {
  // Copied together first: strings that are joined keep all their parts, which may take thirty times as much memory.
  const octets = Buffer.allocUnsafe(end - reader.offset);
  let filled = 0;
  while (reader.offset < end) {
    const start = reader.skip(reader.uint8());
    filled += reader.message.copy(octets, filled, start, reader.offset);
  }
  return octets.toString('latin1', 0, filled);
}

function readName(reader: MessageReader): string {
  return reader.name();
}

type RecordDataReaders = { readonly [T in RecordType]: (reader: MessageReader, end: number) => RecordData[T] };

/** How the data of each type stands on the wire; `end` is where it must end. Objects come frozen. */
const readers: RecordDataReaders = {
  A: readIpv4,
  AAAA: readIpv6,
  TXT: readText,
  PTR: readName,
  CNAME: readName,
  NS: readName,
  MX: (reader) => Object.freeze({ preference: reader.uint16(), exchange: reader.name() }),
  SOA: (reader) =>
    Object.freeze({
      primary: reader.name(),
      mailbox: reader.name(),
      serial: reader.uint32(),
      refresh: reader.uint32(),
      retry: reader.uint32(),
      expire: reader.uint32(),
      minimum: reader.uint32(),
    }),
  SRV: (reader) =>
    Object.freeze({
      priority: reader.uint16(),
      weight: reader.uint16(),
      port: reader.uint16(),
      target: reader.name(),
    }),
  TLSA: (reader, end) =>
    Object.freeze({
      usage: reader.uint8(),
      selector: reader.uint8(),
      matchingType: reader.uint8(),
      data: reader.hex(end - reader.offset),
    }),
  CAA: (reader, end) =>
    Object.freeze({
      // RFC 8659 §4.1: bit 0, the most significant one, is the Issuer Critical Flag.
      critical: reader.uint8() >= 0x80,
      tag: reader.text(reader.uint8()),
      value: reader.text(end - reader.offset),
    }),
};

/** Reads the data of one record, which must fill the `length` octets from the reader's place on exactly. */
export function readRecordData<T extends RecordType>(reader: MessageReader, type: T, length: number): RecordData[T] {
  const end = reader.offset + length;
  const data = readers[type](reader, end);
  if (reader.offset !== end) throw new MalformedMessage(`the data of a ${type} record has another length than it says`);
  return data;
}
