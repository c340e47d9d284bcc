import { SeededRandom } from '../seeded-random.ts';
import { type Deed, type DnsFaultRule, FaultTable } from './dns-fault.ts';
import { type DnsQuery, type DnsTransport, type ReceivedQuery, readQuery } from './dns-query.ts';
import { LONGEST_MESSAGE, type Rcode, type ReplyOptions, writeAnswer, writeFormerr, writeRcode } from './dns-reply.ts';
import { QueryLog } from './query-log.ts';
import type { Zone } from './zone.ts';
import type { ZoneFailure } from './zone-data.ts';

/** The way back to the client. */
export interface DnsChannel {
  readonly transport: DnsTransport;
  readonly address: string;
  readonly port: number;
  send(message: Uint8Array): void;
  /** UDP: sends from another port. */
  sendFromElsewhere?(message: Uint8Array): void;
  /** Ends the connection without a reply, where there is one. */
  close?(): void;
  /** One byte every so often, where there is a stream. */
  sendSlowly?(message: Uint8Array, everyMs: number): void;
  /** HTTPS: a status without a message. */
  sendStatus?(status: number): void;
}

/** What forged replies speak of; `.invalid` can never exist (RFC 2606 §2). */
const FORGED_NAME = 'forged.invalid';
const FORGED_LABELS = Buffer.from('\x06forged\x07invalid\0', 'latin1');
/** A reply without EDNS has at most so many bytes over UDP (RFC 1035 §4.2.1). */
const PLAIN_UDP_BYTES = 512;
const LONGEST_UDP_REPLY = 1_232;

/** Answers questions from a zone, or misbehaves as the rules say. Knows nothing of sockets. */
export class DnsResponder {
  readonly zone: Zone;
  readonly queries: QueryLog<DnsQuery> = new QueryLog();
  readonly #random: SeededRandom;
  readonly #timers = new Set<NodeJS.Timeout>();
  #faults: FaultTable;

  constructor(zone: Zone, rules: readonly DnsFaultRule[], seed: number) {
    this.zone = zone;
    this.#random = new SeededRandom(seed);
    this.#faults = new FaultTable(rules, this.#random);
  }

  setFaults(rules: readonly DnsFaultRule[]): void {
    this.#faults = new FaultTable(rules, this.#random);
  }

  /** Forgets every reply that is still to come. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Calls back after so many milliseconds, unless the server is closed before. */
  later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  receive(bytes: Buffer, channel: DnsChannel): void {
    const { transport, address, port } = channel;
    const received = readQuery(bytes, { transport, address, port });
    if (received === undefined) {
      // A reply, or what is too short to have an id, is never answered: two servers would talk for ever.
      const isQuery = bytes.length >= 12 && (bytes.readUInt8(2) & 0x80) === 0;
      if (isQuery) channel.send(writeFormerr(bytes));
      return;
    }
    this.queries.add(received.query);
    const { fault, delayMs } = this.#faults.strike(received.query);
    if (delayMs > 0) this.later(delayMs, () => this.#reply(received, fault, channel));
    else this.#reply(received, fault, channel);
  }

  #reply(received: ReceivedQuery, fault: Deed | undefined, channel: DnsChannel): void {
    if (fault === undefined) {
      this.#answer(received, channel);
      return;
    }
    switch (fault.fault) {
      case 'drop':
        break;
      case 'truncate':
        this.#answer(received, channel, { truncate: true });
        break;
      case 'authentic':
        this.#answer(received, channel, { forceAuthentic: true });
        break;
      case 'formerr-on-edns':
        channel.send(writeRcode(received, 'formerr', { withoutEdns: true }));
        break;
      case 'slow':
        this.#answer(received, { ...channel, send: (message) => channel.sendSlowly?.(message, fault.everyMs) });
        break;
      case 'close':
        channel.close?.();
        break;
      case 'http-status':
        channel.sendStatus?.(fault.status);
        break;
      case 'raw':
        for (const message of messagesOf(fault.reply(received.bytes))) channel.send(message);
        break;
      case 'servfail':
      case 'refused':
      case 'formerr':
      case 'notimp':
      case 'nxdomain':
        channel.send(writeRcode(received, fault.fault));
        break;
      default:
        this.#forge(received, fault.fault, channel);
        if (fault.thenAnswer === true) this.#answer(received, channel);
    }
  }

  #forge(received: ReceivedQuery, fault: Forgery, channel: DnsChannel): void {
    const lie = writeRcode(received, 'nxdomain');
    switch (fault) {
      case 'wrong-id':
        lie.writeUInt16BE(received.query.id ^ 0xffff, 0);
        channel.send(lie);
        break;
      case 'wrong-question':
        channel.send(Buffer.concat([lie.subarray(0, 12), FORGED_LABELS, lie.subarray(received.questionEnd - 4)]));
        break;
      case 'wrong-source':
        channel.sendFromElsewhere?.(lie);
        break;
      case 'wrong-owner':
        this.#answer(received, channel, { owner: FORGED_NAME });
        break;
      case 'malformed':
        channel.send(cutOff(received));
        break;
      case 'garbage':
        channel.send(this.#random.bytes(1 + Math.floor(this.#random.next() * 64)));
        break;
    }
  }

  #answer(received: ReceivedQuery, channel: DnsChannel, options: Partial<ReplyOptions> = {}): void {
    const { query, recordType } = received;
    const refusal = refusalOf(received);
    if (refusal !== undefined) {
      channel.send(writeRcode(received, refusal));
      return;
    }
    const found = this.zone.lookup(query.name, recordType);
    if (found.kind === 'failure') {
      fail(received, found.reason, channel);
      return;
    }
    const maxBytes = channel.transport === 'udp' ? udpBytes(query) : LONGEST_MESSAGE;
    channel.send(writeAnswer(received, found, { maxBytes, ...options }));
  }
}

type Forgery = 'wrong-id' | 'wrong-question' | 'wrong-source' | 'wrong-owner' | 'malformed' | 'garbage';

/** What a server refuses before it looks into a zone. */
function refusalOf({ opcode, ednsVersion, isInternet, typeNumber }: ReceivedQuery): Rcode | undefined {
  if (opcode !== 0) return 'notimp';
  // RFC 6891 §6.1.3.
  if (ednsVersion !== undefined && ednsVersion > 0) return 'badvers';
  if (!isInternet) return 'refused';
  // RFC 6895 §3.1: types from 128 to 255 are questions about the server or about many types at once.
  return typeNumber >= 128 && typeNumber <= 255 ? 'notimp' : undefined;
}

/** What a server can do so that a client comes to know of this failure. */
function fail(received: ReceivedQuery, failure: ZoneFailure, channel: DnsChannel): void {
  if (failure === 'servfail' || failure === 'refused') channel.send(writeRcode(received, failure));
  else if (failure === 'malformed') channel.send(cutOff(received));
  else if (failure === 'network') channel.close?.();
}

/** RFC 6891 §6.2.5: less than 512 counts as 512. More than 1,232 is more than servers send (DNS Flag Day 2020). */
function udpBytes({ ednsBytes }: DnsQuery): number {
  return ednsBytes === undefined ? PLAIN_UDP_BYTES : Math.min(Math.max(ednsBytes, PLAIN_UDP_BYTES), LONGEST_UDP_REPLY);
}

/** A reply that announces an answer and ends in the middle of it. */
function cutOff(received: ReceivedQuery): Buffer {
  const reply = Buffer.concat([
    writeRcode(received, 'noerror', { withoutEdns: true }),
    Buffer.from([0xc0, 0x0c, 0x00]),
  ]);
  reply.writeUInt16BE(1, 6);
  return reply;
}

function messagesOf(reply: Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] {
  return reply instanceof Uint8Array ? [reply] : reply;
}
