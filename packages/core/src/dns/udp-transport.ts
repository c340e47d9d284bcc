import type { DnsExchange, DnsTransport } from './dns-transport.ts';
import { UdpSocket, type UdpSocketOwner, type UdpSocketSettings } from './udp-socket.ts';

/** So many queries share a port; opening a socket costs as much as two queries. */
const USES_PER_SOCKET = 128;
/** A socket on which so many queries wait gets company, as long as the pool may grow. */
const BUSY_QUERIES = 32;

/**
 * Asks one server over UDP, through a few sockets whose ports the kernel draws at random. Each query takes a random one of
 * them, and each socket gives way to a fresh one after 128 queries or 5 seconds, so that whoever wants to answer in the
 * server's place has to guess a moving port besides the id (RFC 5452 §9.2). Unused sockets are gone after 5 seconds.
 */
export class UdpTransport implements DnsTransport, UdpSocketOwner {
  readonly #settings: UdpSocketSettings;
  readonly #maxSockets: number;
  /** Not yet able to send. */
  readonly #opening = new Set<UdpSocket>();
  /** Those that queries are sent through; with those of `#opening` at most `maxSockets`. */
  readonly #open: UdpSocket[] = [];
  /** Those on which queries still wait; at most `maxSockets`, and while there are so many, none more is retired. */
  readonly #retired = new Set<UdpSocket>();
  #waiting: DnsExchange[] = [];

  constructor(settings: UdpSocketSettings, maxSockets: number) {
    this.#settings = settings;
    this.#maxSockets = maxSockets;
  }

  ask(exchange: DnsExchange): void {
    const socket = this.#choose();
    if (socket !== undefined) {
      socket.send(exchange);
      return;
    }
    this.#waiting.push(exchange);
    if (this.#opening.size === 0) this.#openSocket();
  }

  close(): void {
    for (const sockets of [this.#open, this.#retired, this.#opening]) for (const socket of sockets) socket.close();
    this.#opening.clear();
    this.#open.length = 0;
    this.#retired.clear();
    this.#waiting = [];
  }

  opened(socket: UdpSocket): void {
    this.#opening.delete(socket);
    this.#open.push(socket);
    const waiting = this.#waiting;
    this.#waiting = [];
    // Not all of them through this one: its port, too, serves only so many queries.
    for (const exchange of waiting) if (!exchange.cancelled) this.ask(exchange);
  }

  worn(socket: UdpSocket): void {
    if (!this.#retire(socket)) socket.uses = USES_PER_SOCKET;
  }

  closed(socket: UdpSocket, error: Error | undefined, lost: readonly DnsExchange[]): void {
    this.#opening.delete(socket);
    this.#retired.delete(socket);
    const place = this.#open.indexOf(socket);
    if (place >= 0) this.#open.splice(place, 1);
    if (error === undefined) return;
    let failed = lost;
    if (this.#open.length + this.#opening.size === 0) {
      failed = lost.concat(this.#waiting);
      this.#waiting = [];
    }
    for (const exchange of failed) if (!exchange.cancelled) exchange.failed('network', error.message);
  }

  #choose(): UdpSocket | undefined {
    for (;;) {
      const socket = this.#open[this.#settings.random.below(this.#open.length)];
      if (socket === undefined) return undefined;
      if (socket.uses >= USES_PER_SOCKET && this.#retire(socket)) continue;
      if (socket.pending >= BUSY_QUERIES && this.#open.length + this.#opening.size < this.#maxSockets) {
        this.#openSocket();
      }
      return socket;
    }
  }

  #openSocket(): void {
    this.#opening.add(new UdpSocket(this.#settings, this));
  }

  /** Takes no more queries to the socket's port; `false` when too many such sockets still wait for replies. */
  #retire(socket: UdpSocket): boolean {
    const place = this.#open.indexOf(socket);
    if (place < 0 || this.#retired.size >= this.#maxSockets) return false;
    this.#open.splice(place, 1);
    this.#retired.add(socket);
    socket.retire();
    return true;
  }
}
