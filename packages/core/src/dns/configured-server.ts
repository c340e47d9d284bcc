import dns from 'node:dns';
import type { ConnectionOptions } from 'node:tls';
import { OptionReader } from '../options.ts';
import { type DnsServerAddress, parseDnsServer } from './dns-server-address.ts';

/** PEM, as one file or several. */
type Authorities = string | Buffer | readonly (string | Buffer)[];

/** A server that needs more than its address: how its certificate is verified. */
export interface DnsClientServer {
  /** `tls://…` or `https://…`, as in `DnsClientOptions.servers`. */
  readonly url: string;
  /** The name to ask for (SNI) and to find in the certificate. Default: the host of `url`, be it a name or an address. */
  readonly servername?: string;
  /** The certificate authorities to trust, in PEM. Default: those that come with Node. */
  readonly ca?: Authorities;
}

/** A server and how TLS is to verify it. */
export interface ConfiguredServer {
  readonly address: DnsServerAddress;
  readonly tls: ConnectionOptions;
}

const TAKES = 'a list of one or more server addresses ("127.0.0.1", "[::1]:53", "tcp://…", "tls://…", "https://…")';

function isEntryList(value: unknown): value is readonly (string | object)[] {
  if (!Array.isArray(value)) return false;
  return value.every((each) => typeof each === 'string' || (typeof each === 'object' && each !== null));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isPem(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

function isAuthorities(value: unknown): value is Authorities {
  return isPem(value) || (Array.isArray(value) && value.every(isPem));
}

function readEntry(entry: object): { readonly url: string; readonly tls: ConnectionOptions } {
  const read = new OptionReader('DnsClient servers', entry);
  const url = read.required('url', isText, 'an address such as "tls://192.0.2.1" or "https://dns.example/dns-query"');
  const servername = read.value('servername', isText, 'a host name');
  const ca = read.value('ca', isAuthorities, 'PEM, as a string, a Buffer, or a list of them');
  read.done();
  return {
    url,
    tls: {
      ...(servername === undefined ? {} : { servername }),
      ...(ca === undefined ? {} : { ca: typeof ca === 'string' || Buffer.isBuffer(ca) ? ca : [...ca] }),
    },
  };
}

/** Reads the option `servers`; `undefined` when it is absent. */
export function readServers(read: OptionReader): readonly ConfiguredServer[] | undefined {
  const entries = read.value('servers', isEntryList, TAKES);
  if (entries === undefined) return undefined;
  const servers = entries.map((entry) => {
    const { url, tls } = typeof entry === 'string' ? { url: entry, tls: {} } : readEntry(entry);
    const address = parseDnsServer(url);
    if (address === undefined)
      throw new RangeError(`DnsClient: ${JSON.stringify(url)} in "servers" is not an address of a DNS server`);
    return { address, tls };
  });
  if (servers.length === 0) read.refuse('servers', TAKES);
  return servers;
}

/** The system's servers. Where it names none, as without /etc/resolv.conf, loopback, like resolv.conf(5) says. */
export function systemServers(): readonly ConfiguredServer[] {
  const servers: ConfiguredServer[] = [];
  // A named import would be the function of the time of the import, which `dns.setServers` does not reach.
  for (const text of [...dns.getServers(), '127.0.0.1']) {
    const address = parseDnsServer(text);
    if (address !== undefined) servers.push({ address, tls: {} });
  }
  return servers.length > 1 ? servers.slice(0, -1) : servers;
}
