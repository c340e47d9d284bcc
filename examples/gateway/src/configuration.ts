import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OptionReader } from '@postern/core';

/** A host and a port to listen on or to connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What the example can be told. Without a word it runs by itself: its own DNS zone, its own backend, no network. */
export interface Configuration {
  /** The gateway's own name. Default `gateway.postern.example`. */
  readonly hostname: string;
  /** Default `127.0.0.1:2525`. */
  readonly listen: Endpoint;
  /** Domains whose mail is taken. Default `postern.example`. */
  readonly localDomains: readonly string[];
  /** Networks that may relay. Default none: loopback is not trusted either. */
  readonly trustedNetworks: readonly string[];
  /** `embedded`, or `system` for the system's DNS servers. Default `embedded`. */
  readonly dns: 'embedded' | 'system';
  /** DNS blocklists to ask. Default the embedded zone's `dnsbl.postern.example`. */
  readonly dnsblZones: readonly string[];
  /** `embedded`, or where accepted mail goes. Default `embedded`. */
  readonly backend: 'embedded' | Endpoint;
  /** Where the embedded backend keeps messages. Default `postern-mail` among the system's temporary files. */
  readonly mailDirectory: string;
}

/** The environment variable that stands for each setting; lists are separated by commas. */
const variables = {
  hostname: 'POSTERN_HOSTNAME',
  listen: 'POSTERN_LISTEN',
  localDomains: 'POSTERN_LOCAL_DOMAINS',
  trustedNetworks: 'POSTERN_TRUSTED_NETWORKS',
  dns: 'POSTERN_DNS',
  dnsblZones: 'POSTERN_DNSBL_ZONES',
  backend: 'POSTERN_BACKEND',
  mailDirectory: 'POSTERN_MAIL_DIRECTORY',
} as const;

/**
 * Reads the configuration: a JSON file whose properties are those of {@link Configuration} (endpoints as `host:port`), over
 * it the environment.
 *
 * @param file - path of the JSON file; `undefined`: none
 * @throws TypeError or RangeError that names the setting; SyntaxError when the file is not JSON
 */
export function readConfiguration(file: string | undefined, env: NodeJS.ProcessEnv): Configuration {
  const settings: Record<string, unknown> = file === undefined ? {} : parseObject(readFileSync(file, 'utf8'), file);
  for (const [name, variable] of Object.entries(variables)) {
    const value = env[variable];
    if (value === undefined || value === '') continue;
    settings[name] = name.endsWith('s') && name !== 'dns' ? value.split(',').map((each) => each.trim()) : value;
  }

  const read = new OptionReader(file ?? 'environment', settings);
  const dns = read.oneOf('dns', ['embedded', 'system'], 'embedded');
  const backend = read.text('backend', 'embedded');
  const configuration: Configuration = {
    hostname: read.text('hostname', 'gateway.postern.example'),
    listen: parseEndpoint(read, 'listen', read.text('listen', '127.0.0.1:2525')),
    localDomains: read.value('localDomains', isTextList, 'a list of domains') ?? ['postern.example'],
    trustedNetworks: read.value('trustedNetworks', isTextList, 'a list of networks') ?? [],
    dns,
    dnsblZones:
      read.value('dnsblZones', isTextList, 'a list of DNS zones') ??
      (dns === 'embedded' ? ['dnsbl.postern.example'] : []),
    backend: backend === 'embedded' ? 'embedded' : parseEndpoint(read, 'backend', backend),
    mailDirectory: read.text('mailDirectory', join(tmpdir(), 'postern-mail')),
  };
  read.done();
  return configuration;
}

function parseObject(text: string, file: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new TypeError(`${file}: must hold a JSON object`);
  }
  return { ...parsed };
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** `host:port`, `[::1]:2525`. */
function parseEndpoint(read: OptionReader, name: string, text: string): Endpoint {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || host === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    read.refuse(name, '"host:port"');
  }
  return { host, port };
}
