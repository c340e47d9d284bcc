import type { IpAddress } from '../address/ip-address.ts';

/** The connecting host. */
export interface Client {
  /** Text as the socket gave it; an IPv4-mapped IPv6 address as IPv4. */
  readonly address: string;
  readonly port: number;
  /** `undefined` when `address` is not one (a Unix socket, a broken proxy header): what cannot be judged is not trusted. */
  readonly ip: IpAddress | undefined;
}

/** What TLS agreed on (RFC 8314). */
export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string;
  readonly cipher: string;
  /** The server name that the client asked for. */
  readonly servername: string | undefined;
}

/**
 * Which service the client came to (RFC 5598 §2.2): `mx` takes mail from anywhere for its own domains (port 25),
 * `submission` takes mail from its own users for anywhere (ports 587 and 465; RFC 6409).
 */
export type Service = 'mx' | 'submission';

/**
 * One SMTP connection. The same object for all its life: what the client does (HELO, STARTTLS, AUTH) shows in the
 * properties, which only the gateway changes.
 */
export interface Session {
  /** Unique among all sessions; stands in replies, reports and `Received:`. */
  readonly id: string;
  readonly service: Service;
  readonly client: Client;
  /** The address and port that the client connected to. */
  readonly local: { readonly address: string; readonly port: number };
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** What the client called itself, as sent; `undefined` before HELO or EHLO. */
  readonly helo: string | undefined;
  /** Whether it was EHLO. */
  readonly esmtp: boolean;
  readonly tls: TlsFacts | undefined;
  /** Who logged in. */
  readonly user: string | undefined;
  /** A local check found the client in a trusted network. */
  readonly trusted: boolean;
}
