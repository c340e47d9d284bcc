import { type Client, formatIp, parseIp, type Service, type Session, type TlsFacts } from '@postern/core';

/** What a transport knows of a connection when it begins. */
export interface ConnectionFacts {
  /** The client's address and port, from the socket or from a proxy that is trusted to know them. */
  readonly client: { readonly address: string; readonly port: number };
  /** The address and port that the client connected to. */
  readonly local: { readonly address: string; readonly port: number };
  /** With implicit TLS (RFC 8314 §3.3): what it agreed on. */
  readonly tls?: TlsFacts;
}

/** The `Session` that checks see. Only the gateway changes it. */
export class SessionFacts implements Session {
  readonly id: string;
  readonly service: Service;
  readonly client: Client;
  readonly local: { readonly address: string; readonly port: number };
  readonly startedAt: number;
  helo: string | undefined = undefined;
  esmtp = false;
  tls: TlsFacts | undefined;
  user: string | undefined = undefined;
  trusted = false;

  constructor(id: string, service: Service, facts: ConnectionFacts, startedAt: number) {
    this.id = id;
    this.service = service;
    const { address, port } = facts.client;
    const ip = parseIp(address);
    // RFC 4291 §2.5.5.2: a dual-stack socket gives an IPv4 client as ::ffff:192.0.2.1.
    this.client = { address: ip?.family === 4 ? formatIp(ip) : address, port, ip };
    this.local = { ...facts.local };
    this.startedAt = startedAt;
    this.tls = facts.tls;
  }

  /** Logged in or trusted: no stranger. */
  get known(): boolean {
    return this.user !== undefined || this.trusted;
  }
}
