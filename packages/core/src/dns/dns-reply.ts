import { dnsFailure } from './dns-failure.ts';
import { type DnsQuestion, HEADER_BYTES } from './dns-query.ts';
import { MalformedMessage, MessageReader } from './message-reader.ts';
import { readRecordData } from './record-data.ts';
import { RECORD_TYPE_CODES } from './record-type.ts';
import type { DnsAbsence, DnsFailure, DnsRecords, RecordData, RecordType } from './resolver.ts';

/** What a reply says about its question. */
export type DnsReply<T extends RecordType> =
  | DnsRecords<T>
  | DnsAbsence
  | DnsFailure
  /** CNAME records led to a name about which the reply says nothing more: it has to be asked for. */
  | { readonly kind: 'alias'; readonly target: string; readonly ttl: number; readonly authentic: boolean }
  /** The reply did not fit: the same question over a stream. */
  | { readonly kind: 'truncated' }
  /** RFC 6891 §7: the server may not understand EDNS. */
  | { readonly kind: 'edns-refused'; readonly detail: string };

/** Longer chains of CNAME records than this are taken for a loop; public resolvers follow 8 to 16. */
const MAX_ALIASES = 16;

const CLASS_IN = 1;
const TYPE_OPT = 41;
/** RFC 2181 §8: a TTL has 31 bits. */
const LONGEST_TTL = 0x7fffffff;

/** RFC 1035 §4.1.1 and RFC 6895 §2.3. */
const CODE_NAMES = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
];
const NOERROR = 0;
const FORMERR = 1;
const NXDOMAIN = 3;
const NOTIMP = 4;
const REFUSED = 5;

/** One record: where it stands, not yet what its data says. */
interface RecordPlace {
  readonly owner: string;
  readonly ttl: number;
  readonly offset: number;
  readonly length: number;
}

interface Alias {
  readonly target: string;
  readonly ttl: number;
}

/** The parts of a reply that its question needs, before any of it is judged. */
interface Sections<T extends RecordType> {
  /** Records of the type that belong to the name that was asked for: nearly always all there are. */
  readonly direct: readonly RecordData[T][];
  readonly directTtl: number;
  readonly aliases: ReadonlyMap<string, Alias> | undefined;
  /** Records of the type that belong to other names. */
  readonly others: readonly RecordPlace[] | undefined;
  readonly soa: RecordPlace | undefined;
  readonly delegates: boolean;
  readonly code: number;
}

/** RFC 2181 §8: a TTL with the most significant bit set is 0. */
function readTtl(reader: MessageReader): number {
  const ttl = reader.uint32();
  return ttl > LONGEST_TTL ? 0 : ttl;
}

function readSections<T extends RecordType>(reader: MessageReader, { name, type }: DnsQuestion<T>): Sections<T> {
  const { message } = reader;
  reader.offset = 6;
  const answers = reader.uint16();
  const authorities = reader.uint16();
  const additionals = reader.uint16();
  reader.skipName();
  reader.skip(4);

  const wanted = RECORD_TYPE_CODES[type];
  const direct: RecordData[T][] = [];
  let directTtl = LONGEST_TTL;
  let aliases: Map<string, Alias> | undefined;
  let others: RecordPlace[] | undefined;
  for (let index = 0; index < answers; index++) {
    // A pointer to the question's name, which most records begin with, need not be followed.
    const { offset: start } = reader;
    const repeatsName = message[start] === 0xc0 && message[start + 1] === HEADER_BYTES;
    if (repeatsName) reader.offset += 2;
    const owner = repeatsName ? name : reader.name();
    const code = reader.uint16();
    const recordClass = reader.uint16();
    const ttl = readTtl(reader);
    const length = reader.uint16();
    const offset = reader.skip(length);
    if (recordClass !== CLASS_IN) continue;
    if (code === wanted && owner === name) {
      reader.offset = offset;
      direct.push(readRecordData(reader, type, length));
      if (ttl < directTtl) directTtl = ttl;
    } else if (code === wanted) {
      others ??= [];
      others.push({ owner, ttl, offset, length });
    } else if (code === RECORD_TYPE_CODES.CNAME) {
      reader.offset = offset;
      const target = readRecordData(reader, 'CNAME', length);
      aliases ??= new Map();
      if (!aliases.has(owner)) aliases.set(owner, { target, ttl });
    }
  }

  let soa: RecordPlace | undefined;
  let delegates = false;
  for (let index = 0; index < authorities; index++) {
    const { offset: start } = reader;
    reader.skipName();
    const code = reader.uint16();
    const recordClass = reader.uint16();
    const ttl = readTtl(reader);
    const length = reader.uint16();
    const offset = reader.skip(length);
    if (recordClass !== CLASS_IN) continue;
    if (code === RECORD_TYPE_CODES.NS) delegates = true;
    if (code === RECORD_TYPE_CODES.SOA && soa === undefined) {
      reader.offset = start;
      soa = { owner: reader.name(), ttl, offset, length };
      reader.offset = offset + length;
    }
  }

  // RFC 6891 §6.1.3: the OPT record holds the upper eight bits of the RCODE.
  let code = (message[3] ?? 0) & 0x0f;
  for (let index = 0; index < additionals; index++) {
    reader.skipName();
    const type = reader.uint16();
    reader.skip(2);
    const upperBits = reader.uint8();
    reader.skip(3);
    reader.skip(reader.uint16());
    if (type === TYPE_OPT) code |= upperBits << 4;
  }
  return { direct, directTtl, aliases, others, soa, delegates, code };
}

/** RFC 2308 §5: the lesser of the SOA record's own TTL and its MINIMUM. */
function negativeTtl(reader: MessageReader, soa: RecordPlace): number {
  reader.offset = soa.offset;
  const { minimum } = readRecordData(reader, 'SOA', soa.length);
  return Math.min(soa.ttl, minimum > LONGEST_TTL ? 0 : minimum);
}

function isAtOrBelow(name: string, zone: string): boolean {
  return zone === '' || name === zone || (name.endsWith(zone) && name[name.length - zone.length - 1] === '.');
}

function judge<T extends RecordType>(
  reader: MessageReader,
  question: DnsQuestion<T>,
  { direct, directTtl, aliases, others, soa, delegates, code }: Sections<T>,
  authentic: boolean,
): DnsReply<T> {
  if (code !== NOERROR && code !== NXDOMAIN) {
    const detail = `the server answered ${CODE_NAMES[code] ?? `RCODE ${code}`}`;
    if (code === FORMERR || code === NOTIMP) return { kind: 'edns-refused', detail };
    return dnsFailure(code === REFUSED ? 'refused' : 'servfail', detail);
  }

  let owner = question.name;
  let ttl = LONGEST_TTL;
  let hops = 0;
  for (let alias = aliases?.get(owner); alias !== undefined; alias = aliases?.get(owner)) {
    if (++hops > MAX_ALIASES) return dnsFailure('malformed', 'the CNAME records of the reply form a loop');
    owner = alias.target;
    ttl = Math.min(ttl, alias.ttl);
  }

  // RFC 2181 §5.4.1: nothing but records of the name to which the chain leads is an answer.
  let records: readonly RecordData[T][] = direct;
  if (hops === 0) {
    ttl = directTtl;
  } else {
    const places = (others ?? []).filter((place) => place.owner === owner);
    records = places.map((place) => {
      reader.offset = place.offset;
      ttl = Math.min(ttl, place.ttl);
      return readRecordData(reader, question.type, place.length);
    });
  }

  if (records.length > 0) {
    if (code === NXDOMAIN) {
      return dnsFailure('malformed', 'the reply has records of a name that it says does not exist');
    }
    Object.freeze(records);
    return hops === 0
      ? Object.freeze({ kind: 'records', records, ttl, authentic })
      : Object.freeze({ kind: 'records', records, ttl, authentic, canonicalName: owner });
  }
  // Neither the records that were asked for nor word that there are none: whoever sent this speaks of something else.
  if (others !== undefined && hops === 0) {
    return dnsFailure('malformed', 'the reply has records of other names only');
  }
  // RFC 2308 §5: without the SOA record of the name's zone an absence is not to be kept.
  const ownSoa = soa !== undefined && isAtOrBelow(owner, soa.owner) ? soa : undefined;
  const absenceTtl = ownSoa === undefined ? 0 : Math.min(ttl, negativeTtl(reader, ownSoa));
  // RFC 6604 §3: the RCODE speaks of the last name of the chain.
  if (code === NXDOMAIN) return Object.freeze({ kind: 'nxdomain', ttl: absenceTtl, authentic });
  // RFC 2308 §2.2: that record says that there is nothing of the type.
  if (ownSoa !== undefined) return Object.freeze({ kind: 'nodata', ttl: absenceTtl, authentic });
  if (hops > 0) return { kind: 'alias', target: owner, ttl, authentic };
  // RFC 2308 §2.2: name servers without an SOA record are a referral, which says nothing about the name.
  if (delegates) return dnsFailure('refused', 'the server referred to other servers instead of answering');
  return Object.freeze({ kind: 'nodata', ttl: 0, authentic });
}

/**
 * Reads a reply that `isReplyTo` has taken, and says what it means for the question. Never throws: a message that cannot
 * be read is a `failure`/`malformed`. Linear in the message's length.
 *
 * @param trusted - whether the AD bit of this server means anything here (RFC 6840 §5.7)
 */
export function decodeReply<T extends RecordType>(
  question: DnsQuestion<T>,
  message: Buffer,
  trusted: boolean,
): DnsReply<T> {
  // TC: RFC 2181 §9 forbids to use what did fit.
  if (((message[2] ?? 0) & 0x02) !== 0) return { kind: 'truncated' };
  if (message.length === HEADER_BYTES)
    return { kind: 'edns-refused', detail: 'the server answered with a mere header' };
  // The reader escapes what a name may hold (RFC 1035 §5.1), and of what can be asked for that is the space alone.
  const spelled = question.name.includes(' ')
    ? { ...question, name: question.name.replaceAll(' ', '\\032') }
    : question;
  try {
    const reader = new MessageReader(message, HEADER_BYTES);
    return judge(reader, spelled, readSections(reader, spelled), trusted && ((message[3] ?? 0) & 0x20) !== 0);
  } catch (error) {
    if (error instanceof MalformedMessage) return dnsFailure('malformed', `the reply cannot be read: ${error.message}`);
    throw error;
  }
}
