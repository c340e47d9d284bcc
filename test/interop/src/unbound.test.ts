import { Resolver as NodeResolver } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DnsClient, type DnsClientOptions, fromNodeDns, type Resolver } from '@postern/core';
import { contractZone, createCertificate, type ResolverAbilities, resolverContract, Zone } from '@postern/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { describeWith, RealServer, type RunningServer } from './real-server.ts';
import { unboundConfiguration } from './unbound-configuration.ts';
import { zoneFile } from './zone-file.ts';

const unbound = new RealServer('unbound');

/** Cases that a server with a fixed zone of its own cannot be part of. */
const beyondUnbound: readonly string[] = [
  // They change the zone while the server runs.
  'takes names as long as names can be',
  'asks anew when the caller wants a fresh answer',
  // unbound answers what it has of the circle.
  'failure: CNAME records in a circle',
  // Nothing in a zone makes a server fail.
  'failure: servfail',
  'leaves no listener on the signal of a finished question',
];
/** Where it does not answer, unbound closes the connection. */
const beyondConnections: readonly string[] = ['failure: timeout'];
/** Of a CNAME to a name that does not exist, unbound's auth-zone says no more than the CNAME, and c-ares does not ask on. */
const beyondNode: readonly string[] = ['nxdomain: a CNAME to a name that does not exist'];

function caseName(name: string, implementation: string): string {
  return name.slice(implementation.length + 2);
}

describeWith([unbound], 'unbound', () => {
  let folder: string;
  let server: RunningServer;
  let port: number;
  let tlsPort: number;
  let httpsPort: number;
  let ca: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-unbound-'));
    const key = join(folder, 'key.pem');
    const pem = join(folder, 'certificate.pem');
    const certificate = createCertificate({ names: ['dns.test', '127.0.0.1'] });
    writeFileSync(key, certificate.key);
    writeFileSync(pem, certificate.cert);
    ca = certificate.cert;

    [port, tlsPort, httpsPort] = [await freePort(), await freePort(), await freePort()];
    const zone = join(folder, 'zone');
    writeFileSync(zone, zoneFile(new Zone(contractZone)));
    const configuration = join(folder, 'unbound.conf');
    const authority = `auth-zone:\n  name: "contract.test"\n  zonefile: "${zone}"\n  for-upstream: no\n`;
    const tls = { tlsPort, httpsPort, key, pem };
    writeFileSync(configuration, unboundConfiguration({ folder, port, tls }) + authority);
    using client = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 500 });
    server = await unbound.start(
      ['-d', '-c', configuration],
      async () => (await client.resolve('contract.test', 'SOA')).kind === 'records',
    );
  }, 30_000);

  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function contract(
    implementation: string,
    make: () => Resolver & Partial<Disposable>,
    beyond: readonly string[],
    can: ResolverAbilities = { authentic: false },
  ): void {
    const start = () => {
      const resolver = make();
      return { resolver, close: () => resolver[Symbol.dispose]?.() };
    };
    const cases = resolverContract(implementation, start, can);
    it(`${implementation}: knows which cases it leaves out`, () => {
      const names = cases.map(({ name }) => caseName(name, implementation));
      expect(names).toEqual(expect.arrayContaining([...beyondUnbound, ...beyond]));
    });
    for (const { name, run } of cases) {
      const known = caseName(name, implementation);
      if (!beyondUnbound.includes(known) && !beyond.includes(known)) it(name, run);
    }
  }

  describe('answers from the contract’s zone', () => {
    type Servers = NonNullable<DnsClientOptions['servers']>;
    const client = (...servers: Servers): DnsClient => new DnsClient({ servers, timeoutMs: 2_000 });
    contract('DnsClient', () => client(`127.0.0.1:${port}`), []);
    contract('DnsClient over TCP', () => client(`tcp://127.0.0.1:${port}`), beyondConnections);
    contract('DnsClient over TLS', () => client({ url: `tls://127.0.0.1:${tlsPort}`, ca }), beyondConnections);
    contract(
      'DnsClient over HTTPS',
      () => client({ url: `https://127.0.0.1:${httpsPort}/dns-query`, ca }),
      beyondConnections,
    );
    contract(
      'fromNodeDns',
      () => {
        const node = new NodeResolver({ timeout: 1_000, tries: 1 });
        node.setServers([`127.0.0.1:${port}`]);
        return fromNodeDns(node);
      },
      beyondNode,
      { ttl: false, authentic: false, canonicalName: false },
    );
  });

  it('is not believed with a certificate that nobody vouches for', async () => {
    for (const url of [`tls://127.0.0.1:${tlsPort}`, `https://127.0.0.1:${httpsPort}/dns-query`]) {
      using client = new DnsClient({ servers: [url], timeoutMs: 2_000 });
      expect(await client.resolve('all.contract.test', 'A')).toMatchObject({ kind: 'failure', reason: 'network' });
    }
  });

  it('is not believed under another name', async () => {
    const servername = 'other.test';
    using client = new DnsClient({
      servers: [{ url: `tls://127.0.0.1:${tlsPort}`, ca, servername }],
      timeoutMs: 2_000,
    });
    expect(await client.resolve('all.contract.test', 'A')).toMatchObject({ kind: 'failure', reason: 'network' });
  });
});
