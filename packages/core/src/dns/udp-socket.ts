import { createSocket, type Socket } from 'node:dgram';
import { encodeQuery, isReplyTo } from './dns-query.ts';
import type { Carrier, DnsExchange } from './dns-transport.ts';
import { ExchangeTable } from './exchange-table.ts';
import type { RandomNumbers } from './random-numbers.ts';

/** A port that stays the same for longer could be found out by trying (RFC 5452 §9.2). */
const LIFETIME_MS = 5_000;

/** What the sockets of a pool have in common. */
export interface UdpSocketSettings {
  readonly host: string;
  readonly port: number;
  readonly receiveBufferBytes: number;
  /** Draw the case of the letters in each query's name. */
  readonly mixCase: boolean;
  readonly random: RandomNumbers;
}

/** What a socket tells the pool that it belongs to. */
export interface UdpSocketOwner {
  /** It can send. */
  opened(socket: UdpSocket): void;
  /** Its port has served long enough, or it may not be fit to send any more. */
  worn(socket: UdpSocket): void;
  /** It is closed; `lost` are the queries that waited on it when it broke. */
  closed(socket: UdpSocket, error: Error | undefined, lost: readonly DnsExchange[]): void;
}

/**
 * One UDP port towards one server. The socket is connected: the kernel drops what comes from any other address or port,
 * and says at once when nobody listens there (ECONNREFUSED).
 */
export class UdpSocket implements Carrier {
  /** Queries sent. */
  uses = 0;

  readonly #socket: Socket;
  readonly #settings: UdpSocketSettings;
  readonly #owner: UdpSocketOwner;
  readonly #pending = new ExchangeTable();
  #timer: NodeJS.Timeout | undefined;
  #retired = false;
  #closed = false;

  constructor(settings: UdpSocketSettings, owner: UdpSocketOwner) {
    this.#settings = settings;
    this.#owner = owner;
    const socket = createSocket(settings.host.includes(':') ? 'udp6' : 'udp4');
    this.#socket = socket;
    socket.unref();
    socket.on('message', (message) => this.#receive(message));
    // On the next tick, because an error of `connect` comes before this constructor has returned.
    socket.on('error', (error) => process.nextTick(() => this.#break(error)));
    socket.on('listening', () => {
      try {
        socket.setRecvBufferSize(settings.receiveBufferBytes);
      } catch {
        // Some systems refuse more than their limit instead of giving that much; the default size works as well.
      }
    });
    socket.on('connect', () => {
      if (this.#closed) return;
      this.#timer = setTimeout(() => owner.worn(this), LIFETIME_MS).unref();
      owner.opened(this);
    });
    // The kernel draws the source port (RFC 6056 §3.3.1); a socket that connects unbound is never shared by a cluster.
    socket.connect(settings.port, settings.host);
  }

  /** How many queries wait for their reply. */
  get pending(): number {
    return this.#pending.size;
  }

  send(exchange: DnsExchange): void {
    const { mixCase, random } = this.#settings;
    let id = random.uint16();
    while (this.#pending.get(id) !== undefined) id = random.uint16();
    const query = encodeQuery(id, exchange.question, exchange.edns, mixCase ? random : undefined);
    exchange.carrier = this;
    exchange.id = id;
    exchange.query = query;
    this.#pending.add(exchange);
    this.uses++;
    this.#socket.send(query, (error) => {
      if (error !== null) this.#notSent(exchange, error);
    });
  }

  forget(exchange: DnsExchange): void {
    if (this.#pending.delete(exchange)) this.#closeIfDrained();
  }

  /** Closes the socket as soon as no query waits on it. */
  retire(): void {
    this.#retired = true;
    this.#closeIfDrained();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  /**
   * ECONNREFUSED speaks of the server. Anything else (EPERM of a firewall, a route that is gone) kept this one query from
   * leaving: those that have left may still be answered, those to come go through other sockets.
   */
  #notSent(exchange: DnsExchange, error: Error): void {
    if ('code' in error && error.code === 'ECONNREFUSED') {
      this.#break(error);
    } else if (this.#pending.delete(exchange)) {
      this.#owner.worn(this);
      this.#closeIfDrained();
      exchange.failed('network', error.message);
    }
  }

  #receive(message: Buffer): void {
    const id = ((message[0] ?? 0) << 8) | (message[1] ?? 0);
    const exchange = this.#pending.get(id);
    // RFC 5452 §9.1: whatever does not reply to the very question is dropped, and the wait goes on.
    if (exchange?.query === undefined || !isReplyTo(exchange.query, message, this.#settings.mixCase)) return;
    this.#pending.delete(exchange);
    this.#closeIfDrained();
    exchange.replied(message, 0);
  }

  #closeIfDrained(): void {
    if (!this.#retired || this.#closed || this.#pending.size > 0) return;
    this.close();
    this.#owner.closed(this, undefined, []);
  }

  #break(error: Error): void {
    if (this.#closed) return;
    this.close();
    const lost = this.#pending.all();
    this.#pending.clear();
    this.#owner.closed(this, error, lost);
  }
}
