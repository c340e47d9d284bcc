import { formatIp } from '../address/format-ip.ts';
import type { IpAddress } from '../address/ip-address.ts';
import { parseIp } from '../address/parse-ip.ts';
import { toAsciiDomain } from '../domain-name.ts';

/** How a server is asked: plainly over UDP or TCP, over TLS (RFC 7858), or over HTTPS (RFC 8484). */
type DnsServerProtocol = 'udp' | 'tcp' | 'tls' | 'https';

const DEFAULT_PORTS: Readonly<Record<DnsServerProtocol, number>> = { udp: 53, tcp: 53, tls: 853, https: 443 };

/** Where a DNS server is, and how to ask it. */
export interface DnsServerAddress {
  readonly protocol: DnsServerProtocol;
  /** An address, which may have a zone id, or, for TLS and HTTPS, a name that the system resolves. Without brackets. */
  readonly host: string;
  /** `undefined` when `host` is a name. */
  readonly ip: IpAddress | undefined;
  readonly port: number;
  /** The whole address as messages show it: `udp://192.0.2.1:53`, `https://dns.example/dns-query`. */
  readonly url: string;
}

function isProtocol(text: string): text is DnsServerProtocol {
  return Object.hasOwn(DEFAULT_PORTS, text);
}

function parsePort(text: string): number | undefined {
  if (text.length === 0 || text.length > 5) return undefined;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
  }
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function parseHttps(text: string): DnsServerAddress | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return {
    protocol: 'https',
    host,
    ip: parseIp(host),
    port: url.port === '' ? DEFAULT_PORTS.https : Number(url.port),
    url: url.href,
  };
}

/** `host`, `host:port`, `[ipv6]`, `[ipv6]:port` or a bare IPv6 address, taken apart. */
function splitAuthority(text: string): { readonly host: string; readonly port: string | undefined } | undefined {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    const host = text.slice(1, end);
    if (end < 0 || !host.includes(':')) return undefined;
    if (end === text.length - 1) return { host, port: undefined };
    return text[end + 1] === ':' ? { host, port: text.slice(end + 2) } : undefined;
  }
  const colon = text.indexOf(':');
  // More than one colon: an IPv6 address, which can have no port without brackets.
  if (colon < 0 || colon !== text.lastIndexOf(':')) return { host: text, port: undefined };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

/**
 * Reads the address of a DNS server: `127.0.0.1`, `127.0.0.1:5353`, `::1`, `[::1]:53`, `udp://…`, `tcp://…`,
 * `tls://host[:853]`, `https://host[:443]/dns-query`. UDP and TCP take addresses only, because a resolver that has to
 * resolve its own name first is of no use; TLS and HTTPS take names too. `undefined` for anything else.
 */
export function parseDnsServer(text: string): DnsServerAddress | undefined {
  const schemeEnd = text.indexOf('://');
  const protocol = schemeEnd < 0 ? 'udp' : text.slice(0, schemeEnd).toLowerCase();
  if (!isProtocol(protocol)) return undefined;
  if (protocol === 'https') return parseHttps(text);

  const authority = splitAuthority(schemeEnd < 0 ? text : text.slice(schemeEnd + 3));
  if (authority === undefined) return undefined;
  const port = authority.port === undefined ? DEFAULT_PORTS[protocol] : parsePort(authority.port);
  if (port === undefined) return undefined;
  const ip = parseIp(authority.host);
  if (ip === undefined) {
    const host = protocol === 'tls' ? toAsciiDomain(authority.host) : undefined;
    if (host === undefined) return undefined;
    return { protocol, host, ip, port, url: `tls://${host}:${port}` };
  }
  // A zone id belongs to the host: without it the system cannot tell which link the address is on.
  const host = authority.host.includes('%') ? authority.host : formatIp(ip);
  return { protocol, host, ip, port, url: `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}` };
}
