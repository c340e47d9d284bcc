import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DnsClient } from '@postern/core';
import { verifyHelo, verifyReverseDns, verifySenderDomain } from '@postern/rdns';
import { DnsServer } from '@postern/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { describeWith, RealServer, type RunningServer } from './real-server.ts';
import { unboundConfiguration } from './unbound-configuration.ts';

const unbound = new RealServer('unbound');

/** What the authoritative server behind unbound has: one network delegated by RFC 2317, and one that is broken. */
const zone = {
  test: { SOA: 'ns.test hostmaster.test 1 2 3 4 60', NS: 'ns.test' },
  '9.9.9.in-addr.arpa': { SOA: 'ns.test hostmaster.test 1 2 3 4 60', NS: 'ns.test' },
  '1.9.9.9.in-addr.arpa': { CNAME: '1.0-63.9.9.9.in-addr.arpa' },
  '1.0-63.9.9.9.in-addr.arpa': { PTR: ['mx.customer.test', 'alias.customer.test'] },
  'mx.customer.test': { A: '9.9.9.1' },
  'alias.customer.test': { CNAME: 'host.customer.test' },
  'host.customer.test': { A: ['9.9.9.9', '9.9.9.1'] },
  '2.9.9.9.in-addr.arpa': { PTR: 'elsewhere.customer.test' },
  'elsewhere.customer.test': { A: '9.9.9.77' },
  '4.9.9.9.in-addr.arpa': { PTR: ['gone.broken.test', 'elsewhere.customer.test'] },
  'customer.test': { MX: ['20 gone.broken.test', '10 mx.customer.test'] },
  'null.test': { MX: '0 .' },
} as const;

describeWith([unbound], 'rdns through unbound', () => {
  let folder: string;
  let authority: DnsServer;
  let recursor: RunningServer;
  let resolver: DnsClient;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-rdns-'));
    authority = await DnsServer.start(zone, { faults: [{ fault: 'servfail', name: 'gone.broken.test' }] });
    const port = await freePort();
    const configuration = join(folder, 'unbound.conf');
    const stub = (name: string): string =>
      `stub-zone:\n  name: "${name}"\n  stub-addr: ${authority.address.replace(':', '@')}\n`;
    writeFileSync(configuration, unboundConfiguration({ folder, port }) + stub('test') + stub('9.9.9.in-addr.arpa'));
    resolver = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 10_000 });
    recursor = await unbound.start(
      ['-d', '-c', configuration],
      async () => (await resolver.resolve('mx.customer.test', 'A')).kind === 'records',
    );
  }, 30_000);

  afterAll(async () => {
    resolver?.close();
    await recursor?.stop();
    await authority?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('follows the delegation of a small network, and aliases', async () => {
    expect(await verifyReverseDns('9.9.9.1', { resolver, timeoutMs: 10_000 })).toMatchObject({
      status: 'pass',
      names: expect.arrayContaining(['mx.customer.test', 'alias.customer.test']),
      confirmed: expect.arrayContaining(['mx.customer.test', 'alias.customer.test']),
    });
  });

  it.each([
    ['9.9.9.2', 'fail', 'not-confirmed'],
    ['9.9.9.3', 'permerror', 'no-ptr'],
    ['9.9.9.4', 'temperror', 'dns'],
  ])('%s has the status %s: %s', async (ip, status, reason) => {
    expect(await verifyReverseDns(ip, { resolver, timeoutMs: 10_000 })).toMatchObject({ status, reason });
  });

  it.each([
    ['alias.customer.test', 'pass', []],
    ['elsewhere.customer.test', 'fail', ['forward-mismatch']],
    ['missing.customer.test', 'fail', ['unresolvable']],
    ['gone.broken.test', 'temperror', []],
  ])('HELO %s: %s', async (helo, status, faults) => {
    expect(await verifyHelo(helo, '9.9.9.1', { resolver, timeoutMs: 10_000 })).toMatchObject({ status, faults });
  });

  it.each([
    ['customer.test', 'deliverable'],
    ['host.customer.test', 'deliverable'],
    ['null.test', 'null-mx'],
    ['missing.test', 'nonexistent'],
    ['gone.broken.test', 'unknown'],
  ])('the domain %s is %s', async (domain, status) => {
    expect(await verifySenderDomain(domain, { resolver, timeoutMs: 10_000 })).toMatchObject({ status });
  });
});
