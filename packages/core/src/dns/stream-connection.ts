import type { Socket } from 'node:net';
import type { ConnectionOwner, DnsConnection } from './connection-transport.ts';
import { encodeQuery, isReplyTo } from './dns-query.ts';
import type { DnsExchange } from './dns-transport.ts';
import { ExchangeTable } from './exchange-table.ts';
import { FrameReader } from './frame-reader.ts';
import type { RandomNumbers } from './random-numbers.ts';
import { Silence } from './silence.ts';

/** RFC 7766 §6.2.3: idle connections are closed after a few seconds. */
const IDLE_MS = 10_000;

function framed(query: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(query.length + 2);
  frame.writeUInt16BE(query.length, 0);
  query.copy(frame, 2);
  return frame;
}

/** DNS over TCP (RFC 7766) or TLS (RFC 7858): several queries at once, replies in any order. */
export class StreamConnection implements DnsConnection {
  readonly #socket: Socket;
  readonly #random: RandomNumbers;
  readonly #owner: ConnectionOwner;
  readonly #frames = new FrameReader();
  readonly #silence = new Silence();
  readonly #pending = new ExchangeTable();
  #ready = false;
  #served = false;
  #retired = false;
  #over = false;

  /**
   * @param socket - connecting
   * @param readyEvent - `secureConnect` for TLS: nothing may be sent before the server's certificate has been verified
   */
  constructor(socket: Socket, readyEvent: 'connect' | 'secureConnect', random: RandomNumbers, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#random = random;
    this.#owner = owner;
    socket.unref();
    socket.setNoDelay();
    socket.setTimeout(IDLE_MS);
    socket.on(readyEvent, () => this.#open());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('timeout', () => this.#end('the connection has been silent'));
    socket.on('error', (error) => this.#end(error.message));
    socket.on('end', () => this.#end('the server closed the connection'));
    socket.on('close', () => this.#end('the connection was closed'));
  }

  get usable(): boolean {
    return !this.#over && !this.#retired && (this.#pending.size === 0 || !this.#silence.isTooLong);
  }

  send(exchange: DnsExchange): void {
    let id = this.#random.uint16();
    while (this.#pending.get(id) !== undefined) id = this.#random.uint16();
    const query = encodeQuery(id, exchange.question, exchange.edns, undefined);
    if (this.#pending.size === 0) this.#silence.restart();
    exchange.id = id;
    exchange.query = query;
    this.#pending.add(exchange);
    if (this.#ready) this.#socket.write(framed(query));
  }

  forget(exchange: DnsExchange): void {
    if (this.#pending.delete(exchange)) this.#closeIfUnwanted();
  }

  retire(): void {
    this.#retired = true;
    this.#closeIfUnwanted();
  }

  close(): void {
    this.#over = true;
    this.#pending.clear();
    this.#socket.destroy();
  }

  #open(): void {
    this.#ready = true;
    // Once more: when the first address did not answer, this is another handle.
    this.#socket.unref();
    this.#silence.restart();
    for (const { query } of this.#pending.all()) {
      if (query !== undefined) this.#socket.write(framed(query));
    }
  }

  #receive(chunk: Buffer): void {
    if (!this.#ready) return;
    for (const message of this.#frames.push(chunk)) {
      const id = ((message[0] ?? 0) << 8) | (message[1] ?? 0);
      const exchange = this.#pending.get(id);
      if (exchange?.query === undefined || !isReplyTo(exchange.query, message, false)) continue;
      this.#pending.delete(exchange);
      this.#served = true;
      this.#silence.restart();
      exchange.replied(message, 0);
    }
    this.#closeIfUnwanted();
  }

  /** An attempt to connect that nobody waits for any more would keep the process alive until the system gives up. */
  #closeIfUnwanted(): void {
    if (this.#pending.size === 0 && (this.#retired || !this.#ready)) this.#end('nobody waits for it');
  }

  #end(detail: string): void {
    if (this.#over) return;
    this.#over = true;
    const lost = this.#pending.all();
    this.#pending.clear();
    this.#socket.destroy();
    this.#owner.ended(this);
    for (const exchange of lost) this.#owner.lost(exchange, detail, this.#served);
  }
}
