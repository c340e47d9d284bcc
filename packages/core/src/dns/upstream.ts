import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { classifyIp } from '../address/special-purpose.ts';
import { ConnectionTransport } from './connection-transport.ts';
import type { DnsServerAddress } from './dns-server-address.ts';
import type { DnsTransport } from './dns-transport.ts';
import { HttpsConnection } from './https-connection.ts';
import type { RandomNumbers } from './random-numbers.ts';
import { ServerHealth } from './server-health.ts';
import { StreamConnection } from './stream-connection.ts';
import { UdpTransport } from './udp-transport.ts';

/** How long a server that refused EDNS is asked without it. */
const NO_EDNS_MS = 15 * 60_000;

/** What all servers of a client have in common. */
export interface UpstreamSettings {
  readonly maxSockets: number;
  readonly receiveBufferBytes: number;
  readonly mixCase: boolean;
  readonly random: RandomNumbers;
}

/** One server: the ways to ask it, and what is remembered of it. */
export class Upstream {
  readonly url: string;
  /** Nobody can have set the AD bit of its replies on the way (RFC 6840 §5.7), and who runs it is trusted to validate. */
  readonly trusted: boolean;
  readonly health: ServerHealth = new ServerHealth();
  readonly transport: DnsTransport;
  /** For what does not fit into a datagram (RFC 7766 §5); `undefined` when `transport` is a stream already. */
  readonly stream: DnsTransport | undefined;
  #ednsRefusedAt: number | undefined;

  constructor(address: DnsServerAddress, tls: ConnectionOptions, validates: boolean, settings: UpstreamSettings) {
    const { protocol, host, port, ip, url } = address;
    const { random, maxSockets } = settings;
    const verified = protocol === 'tls' || protocol === 'https';
    this.url = url;
    this.trusted = validates || verified || (ip !== undefined && classifyIp(ip).class === 'loopback');

    // `rejectUnauthorized` stands here so that no environment variable can switch the verification off.
    const secured = { ...tls, minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;
    const overTcp = (): DnsTransport =>
      new ConnectionTransport((owner) => new StreamConnection(connectTcp({ host, port }), 'connect', random, owner));
    switch (protocol) {
      case 'udp':
        this.transport = new UdpTransport({ ...settings, host, port }, maxSockets);
        this.stream = overTcp();
        break;
      case 'tcp':
        this.transport = overTcp();
        break;
      case 'tls':
        this.transport = new ConnectionTransport(
          (owner) => new StreamConnection(connectTls({ ...secured, host, port }), 'secureConnect', random, owner),
        );
        break;
      case 'https':
        this.transport = new ConnectionTransport((owner) => new HttpsConnection(new URL(url), secured, owner));
        break;
    }
  }

  /** Whether to ask it with EDNS. */
  get edns(): boolean {
    return this.#ednsRefusedAt === undefined || performance.now() - this.#ednsRefusedAt >= NO_EDNS_MS;
  }

  refusesEdns(): void {
    if (this.edns) this.#ednsRefusedAt = performance.now();
  }

  close(): void {
    this.transport.close();
    this.stream?.close();
  }
}
