import { parseIp, type RecordData, type RecordType } from '@postern/core';
import type { RecordSet } from './record-set.ts';
import { nameText, readName } from './zone-name.ts';

/** RFC 1035 §4.1.4: a pointer has 14 bits. */
const MOST_POINTED_AT = 0x3fff;
const HEADER_BYTES = 12;
const CLASS_IN = 1;

const typeNumbers: { readonly [T in RecordType]: number } = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  TLSA: 52,
  CAA: 257,
};
const TYPE_OPT = 41;

type WriteData<T extends RecordType> = (
  writer: MessageWriter,
  record: RecordData[T],
  strings: readonly string[] | undefined,
) => void;

/** RFC 3597 §4: only names inside the types of RFC 1035 may be compressed. */
const dataWriters: { readonly [T in RecordType]: WriteData<T> } = {
  A: (writer, address) => writer.u32(parseIp(address)?.word3 ?? 0),
  AAAA: (writer, address) => {
    const ip = parseIp(address);
    for (const word of [ip?.word0, ip?.word1, ip?.word2, ip?.word3]) writer.u32(word ?? 0);
  },
  TXT: (writer, _joined, strings = []) => {
    for (const text of strings) writer.characterString(text);
  },
  MX: (writer, { preference, exchange }) => {
    writer.u16(preference);
    writer.name(exchange, true);
  },
  PTR: (writer, target) => writer.name(target, true),
  CNAME: (writer, target) => writer.name(target, true),
  NS: (writer, target) => writer.name(target, true),
  SOA: (writer, { primary, mailbox, serial, refresh, retry, expire, minimum }) => {
    writer.name(primary, true);
    writer.name(mailbox, true);
    for (const field of [serial, refresh, retry, expire, minimum]) writer.u32(field);
  },
  SRV: (writer, { priority, weight, port, target }) => {
    for (const field of [priority, weight, port]) writer.u16(field);
    writer.name(target, false);
  },
  TLSA: (writer, { usage, selector, matchingType, data }) => {
    for (const field of [usage, selector, matchingType]) writer.u8(field);
    writer.octets(data, 'hex');
  },
  CAA: (writer, { critical, tag, value }) => {
    // RFC 8659 §4.1: issuer critical is the most significant bit of the flags.
    writer.u8(critical ? 0x80 : 0);
    writer.characterString(tag);
    writer.octets(value, 'latin1');
  },
};

/** Writes a DNS message (RFC 1035 §4) with compressed names, as real servers do. */
export class MessageWriter {
  #bytes = Buffer.allocUnsafe(512);
  #at = HEADER_BYTES;
  /** Where a name, or the end of one, stands already. */
  readonly #known = new Map<string, number>();

  /**
   * @param question - the question section as the client sent it, so that it comes back octet by octet
   * @param name - the name in it, as `nameText` writes it
   */
  constructor(question: Uint8Array, name: string) {
    this.#room(question.length);
    this.#bytes.set(question, this.#at);
    let at = this.#at;
    for (const { label, suffix } of labelsOf(name)) {
      this.#known.set(suffix, at);
      at += 1 + label.length;
    }
    this.#at += question.length;
  }

  get length(): number {
    return this.#at;
  }

  /** A whole set of records. Returns how many there are. */
  set<T extends RecordType>(owner: string, set: RecordSet<T>, ttl: number): number {
    set.records.forEach((record, index) => {
      this.name(owner, true);
      this.u16(typeNumbers[set.type]);
      this.u16(CLASS_IN);
      this.u32(ttl);
      this.u16(0);
      const start = this.#at;
      dataWriters[set.type](this, record, set.strings?.[index]);
      this.#bytes.writeUInt16BE(this.#at - start, start - 2);
    });
    return set.records.length;
  }

  /** The OPT record (RFC 6891 §6.1.2), without options. */
  opt(maxBytes: number, extendedRcode: number, dnssecOk: boolean): void {
    this.u8(0);
    this.u16(TYPE_OPT);
    this.u16(maxBytes);
    this.u8(extendedRcode);
    this.u8(0);
    this.u16(dnssecOk ? 0x8000 : 0);
    this.u16(0);
  }

  finish(id: number, flags: number, answers: number, authorities: number, additionals: number): Buffer {
    [id, flags, 1, answers, authorities, additionals].forEach((field, index) => {
      this.#bytes.writeUInt16BE(field, index * 2);
    });
    return this.#bytes.subarray(0, this.#at);
  }

  u8(value: number): void {
    this.#room(1);
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  u16(value: number): void {
    this.#room(2);
    this.#at = this.#bytes.writeUInt16BE(value, this.#at);
  }

  u32(value: number): void {
    this.#room(4);
    this.#at = this.#bytes.writeUInt32BE(value, this.#at);
  }

  octets(text: string, encoding: 'latin1' | 'hex'): void {
    this.#room(text.length);
    this.#at += this.#bytes.write(text, this.#at, encoding);
  }

  /** RFC 1035 §3.3: a length octet and at most 255 octets. */
  characterString(text: string): void {
    this.u8(text.length);
    this.octets(text, 'latin1');
  }

  /** A name; what of it stands in the message already is pointed at if `compress` allows. */
  name(name: string, compress: boolean): void {
    for (const { label, suffix } of labelsOf(name)) {
      const pointer = compress ? this.#known.get(suffix) : undefined;
      if (pointer !== undefined) {
        this.u16(0xc000 | pointer);
        return;
      }
      if (this.#at <= MOST_POINTED_AT && !this.#known.has(suffix)) this.#known.set(suffix, this.#at);
      this.characterString(label);
    }
    this.u8(0);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#at + bytes) * 2);
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** The labels of a name as octets, and what of the name starts at each. */
function labelsOf(name: string): { label: string; suffix: string }[] {
  if (name.includes('\\')) {
    const labels = readName(name)?.labels ?? [];
    return labels.map((label, index) => ({ label, suffix: nameText(labels.slice(index)) }));
  }
  const labels: { label: string; suffix: string }[] = [];
  for (let at = 0; at < name.length; ) {
    const dot = name.indexOf('.', at);
    const end = dot < 0 ? name.length : dot;
    labels.push({ label: name.slice(at, end), suffix: name.slice(at) });
    at = end + 1;
  }
  return labels;
}
