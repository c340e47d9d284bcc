import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { OptionReader } from '@postern/core';
import { type Certificate, isCertificate } from '../certificate.ts';
import type { DnsFaultRule } from './dns-fault.ts';
import { createDnsHttpServer } from './dns-https.ts';
import type { DnsQuery } from './dns-query.ts';
import { DnsResponder } from './dns-responder.ts';
import { serveDnsStream } from './dns-stream.ts';
import type { QueryLog } from './query-log.ts';
import { Zone } from './zone.ts';
import type { ZoneData } from './zone-data.ts';

/** How a `DnsServer` is started. */
export interface DnsServerOptions {
  /** Default `127.0.0.1`; `::1` is the other one that stays on the machine. */
  readonly host?: string;
  /** For UDP and TCP alike. Default 0: a free one. */
  readonly port?: number;
  /** What it does wrong, and when. Default: nothing. */
  readonly faults?: readonly DnsFaultRule[];
  /** Repeats what happens at random. Default 1. */
  readonly seed?: number;
  /** Serves DNS over TLS (RFC 7858) and over HTTPS (RFC 8484) too, each on a free port. PEM. Default: neither. */
  readonly tls?: Certificate;
}

/**
 * A DNS server on loopback that answers from a zone as a recursive resolver would: over UDP and TCP on one port, over TLS
 * and HTTPS if it has a certificate. It knows what it was asked, and misbehaves on demand.
 *
 * A zone's failures show as a server can show them: `timeout` is silence, `servfail` and `refused` are response codes,
 * `malformed` is a reply that ends in the middle, `network` closes the connection (over UDP: silence).
 *
 * @example
 * ```ts
 * await using server = await DnsServer.start(
 *   { 'example.com': { A: '192.0.2.1' } },
 *   { faults: [{ fault: 'drop', probability: 0.1 }] },
 * );
 * const resolver = new DnsClient({ servers: [server.address] });
 * await resolver.resolve('example.com', 'A');
 * server.queries.count('example.com', 'A'); // 1, or more when the first was dropped
 * ```
 */
export class DnsServer implements AsyncDisposable {
  readonly #responder: DnsResponder;
  readonly #udp: UdpSocket;
  readonly #elsewhere: UdpSocket;
  readonly #tcp: Server;
  readonly #tls: Server | undefined;
  readonly #https: Server | undefined;
  readonly #connections: Set<Socket>;
  #closing: Promise<void> | undefined;

  private constructor(responder: DnsResponder, listeners: Listeners) {
    this.#responder = responder;
    this.#udp = listeners.udp;
    this.#elsewhere = listeners.elsewhere;
    this.#tcp = listeners.tcp;
    this.#tls = listeners.tls;
    this.#https = listeners.https;
    this.#connections = listeners.connections;
  }

  /** Starts a server over a literal, or over a zone that may be shared with a `ZoneResolver`. */
  static async start(zone: Zone | ZoneData, options: DnsServerOptions = {}): Promise<DnsServer> {
    const read = new OptionReader('DnsServer', options);
    const host = read.text('host', '127.0.0.1');
    const port = read.integer('port', 0, { min: 0, max: 65_535 });
    const faults = read.value('faults', isList, 'an array of faults') ?? [];
    const seed = read.integer('seed', 1);
    const tls = read.value('tls', isCertificate, 'an object with "key" and "cert", PEM');
    read.done();
    const responder = new DnsResponder(zone instanceof Zone ? zone : new Zone(zone), faults, seed);
    return new DnsServer(responder, await listen(responder, host, port, tls));
  }

  /** Address and port of UDP and TCP, as `dns.setServers` and `DnsClient` take it: `127.0.0.1:5300`, `[::1]:5300`. */
  get address(): string {
    return textOf(this.#udp.address());
  }

  get port(): number {
    return this.#udp.address().port;
  }

  /** Address and port of DNS over TLS; `undefined` without a certificate. */
  get tlsAddress(): string | undefined {
    return this.#tls && textOf(addressOf(this.#tls));
  }

  /** Where DNS over HTTPS is served; `undefined` without a certificate. */
  get httpsUrl(): string | undefined {
    return this.#https && `https://${textOf(addressOf(this.#https))}/dns-query`;
  }

  /** What it answers from; a change counts from the next question on. */
  get zone(): Zone {
    return this.#responder.zone;
  }

  /** What it was asked, oldest first. */
  get queries(): QueryLog<DnsQuery> {
    return this.#responder.queries;
  }

  /** Puts these faults in place of all others. */
  setFaults(faults: readonly DnsFaultRule[]): void {
    this.#responder.setFaults(faults);
  }

  /** Stops at once: open connections are closed, replies on their way are forgotten. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#responder.close();
    const closed = [this.#udp, this.#elsewhere, this.#tcp, this.#tls, this.#https].map(
      (listener) => listener && new Promise<void>((resolve) => void listener.close(() => resolve())),
    );
    for (const socket of this.#connections) socket.destroy();
    await Promise.all(closed);
  }
}

interface Listeners {
  readonly udp: UdpSocket;
  readonly elsewhere: UdpSocket;
  readonly tcp: Server;
  readonly tls: Server | undefined;
  readonly https: Server | undefined;
  readonly connections: Set<Socket>;
}

/** So many clients with full windows at once; the system gives what it allows. */
const UDP_RECEIVE_BYTES = 4 * 1024 * 1024;
/** A free UDP port whose TCP namesake is taken is rare; so many in a row are a broken machine. */
const PORT_TRIES = 20;

async function listen(
  responder: DnsResponder,
  host: string,
  port: number,
  tlsOptions: Certificate | undefined,
): Promise<Listeners> {
  const connections = new Set<Socket>();
  const track = (server: Server): Server =>
    server.on('connection', (socket: Socket) => {
      connections.add(socket);
      socket.on('error', () => {}).on('close', () => connections.delete(socket));
    });
  const tcp = track(createTcpServer({ noDelay: true }, (socket) => serveDnsStream(socket, 'tcp', responder)));
  // Made before anything is bound: a bad certificate throws here and leaves nothing open.
  const tls =
    tlsOptions &&
    track(
      createTlsServer({ ...tlsOptions, ALPNProtocols: ['dot'] }, (socket) => serveDnsStream(socket, 'tls', responder)),
    );
  const https = tlsOptions && track(createDnsHttpServer(tlsOptions, responder));

  const udp = await bindBoth(tcp, host, port);
  const elsewhere = await bindUdp(host, 0);
  serveDatagrams(udp, elsewhere, responder);
  for (const server of [tls, https]) if (server !== undefined) await bindTcp(server, host, 0);
  return { udp, elsewhere, tcp, tls, https, connections };
}

async function bindBoth(tcp: Server, host: string, port: number): Promise<UdpSocket> {
  for (let tries = 1; ; tries++) {
    const udp = await bindUdp(host, port);
    try {
      await bindTcp(tcp, host, udp.address().port);
      return udp;
    } catch (error) {
      udp.close();
      if (port !== 0 || tries === PORT_TRIES) throw error;
    }
  }
}

async function bindUdp(host: string, port: number): Promise<UdpSocket> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: UDP_RECEIVE_BYTES });
  socket.bind(port, host);
  await once(socket, 'listening');
  // A reply to a port that has been closed comes back as an error here; it is nobody's fault.
  return socket.on('error', () => {});
}

async function bindTcp(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

function serveDatagrams(udp: UdpSocket, elsewhere: UdpSocket, responder: DnsResponder): void {
  udp.on('message', (bytes, { address, port }) => {
    responder.receive(bytes, {
      transport: 'udp',
      address,
      port,
      send: (message) => udp.send(message, port, address, () => {}),
      sendFromElsewhere: (message) => elsewhere.send(message, port, address, () => {}),
    });
  });
}

function isList(value: unknown): value is readonly DnsFaultRule[] {
  return Array.isArray(value);
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('DnsServer: it is closed');
  return address;
}

function textOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
