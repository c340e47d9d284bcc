import { X509Certificate } from 'node:crypto';
import dns from 'node:dns';
import type { ConnectionOptions } from 'node:tls';
import { OptionReader } from '../options.ts';
import { type DnsServerAddress, parseDnsServer } from './dns-server-address.ts';

/** PEM, as one file or several. */
type Authorities = NonNullable<DnsClientServer['ca']>;

/** A server that needs more than its address: how its certificate is verified. */
export interface DnsClientServer {
  /** `tls://…` or `https://…`, as in `DnsClientOptions.servers`. */
  readonly url: string;
  /** The name to ask for (SNI) and to find in the certificate. Default: the host of `url`, be it a name or an address. */
  readonly servername?: string;
  /** The certificate authorities to trust, at least one, in PEM. Default: those that come with Node. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
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

function isCertificate(pem: string | Buffer): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** TLS passes over what it cannot read, and takes empty text for its default, all public authorities: here they are refused. */
function readAuthorities(read: OptionReader): readonly (string | Buffer)[] | undefined {
  const value = read.value('ca', isAuthorities, 'PEM, as a string, a Buffer, or a list of them');
  if (value === undefined) return undefined;
  const authorities = typeof value === 'string' || Buffer.isBuffer(value) ? [value] : value;
  if (authorities.length > 0 && authorities.every(isCertificate)) return authorities;
  // The value is not shown: it might be a key.
  throw new RangeError('DnsClient servers: option "ca" must be one or more certificates in PEM');
}

function readEntry(entry: object): { readonly url: string; readonly tls: ConnectionOptions } {
  const read = new OptionReader('DnsClient servers', entry);
  const url = read.required('url', isText, 'an address such as "tls://192.0.2.1" or "https://dns.example/dns-query"');
  const servername = read.value('servername', isText, 'a host name');
  const ca = readAuthorities(read);
  read.done();
  return {
    url,
    tls: { ...(servername === undefined ? {} : { servername }), ...(ca === undefined ? {} : { ca: [...ca] }) },
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
    const secure = address.protocol === 'tls' || address.protocol === 'https';
    if (!secure && Object.keys(tls).length > 0)
      throw new RangeError(`DnsClient: ${JSON.stringify(url)} in "servers" has no use for "servername" and "ca"`);
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
