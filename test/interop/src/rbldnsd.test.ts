import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachingResolver, DnsClient } from '@postern/core';
import { type AddressZone, type DomainZone, queryDnsbl, queryDomainList } from '@postern/dnsbl';
import { DnsServer } from '@postern/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { describeWith, RealServer, type RunningServer } from './real-server.ts';
import { unboundConfiguration } from './unbound-configuration.ts';

const rbldnsd = new RealServer('rbldnsd');
const unbound = new RealServer('unbound');

/** `$` in a text is the address that was asked about. */
const ip4set = `
$SOA 60 ns.bl.test hostmaster.bl.test 0 600 300 86400 60
$NS 60 ns.bl.test
:127.0.0.2:Listed, see https://bl.test/$
127.0.0.2
9.9.8.7
9.9.0.1
9.9.9.0/24 :127.0.0.3:Whole network
!9.9.9.9
9.9.8.9 :127.255.255.254:Error, open resolver
9.9.8.10 :127.0.0.1:Refused
9.9.8.11 :10.11.12.13:Rewritten
`;
const ip6trie = `
:127.0.0.4: Listed range
2a00:1234::/32
!2a00:1234::5
`;
const ip4trie = `
:127.0.10.3: Known good
9.9.9.0/25
`;

const dnset = `
:127.0.1.2:Listed domain, see https://dbl.test/$
test
.shady.biz
exact.biz :127.0.1.4:Phishing
xn--bcher-kva.biz
!honest.shady.biz
.refused.biz :127.0.1.255:Error, addresses are not for this list
`;

const domainZones: readonly DomainZone[] = [
  {
    name: 'dbl.test',
    lists: 'domains',
    answers: [
      { code: '127.0.1.2', reason: 'spam' },
      { code: '127.0.1.4', reason: 'phishing' },
    ],
    errors: [{ code: '127.0.1.255', reason: 'error-code' }],
  },
];

/** The n-th is that of 9.9.0.n. */
const faults = ['drop', 'servfail', 'refused', 'garbage', 'malformed'] as const;

const zones: readonly AddressZone[] = [
  {
    name: 'bl.test',
    answers: [
      { code: '127.0.0.2', reason: 'spam' },
      { code: '127.0.0.3', reason: 'network' },
      { code: '127.0.0.4', reason: 'range' },
    ],
  },
  {
    name: 'wl.test',
    kind: 'allow',
    answers: [{ code: '127.0.0.3', mask: '255.255.0.255', reason: 'high' }],
    txt: 'never',
  },
];

describeWith([rbldnsd, unbound], 'queryDnsbl against rbldnsd', () => {
  let folder: string;
  let lists: RunningServer;
  let recursor: RunningServer;
  let direct: DnsClient;
  let throughUnbound: DnsClient;
  /** A list of a server that is not well: each address has a fault of its own. */
  let broken: DnsServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-rbldnsd-'));
    // rbldnsd gives up root before it reads.
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'ip4set'), ip4set);
    writeFileSync(join(folder, 'ip6trie'), ip6trie);
    writeFileSync(join(folder, 'ip4trie'), ip4trie);
    writeFileSync(join(folder, 'dnset'), dnset);
    broken = await DnsServer.start(
      { '*.broken.test': { A: '127.0.0.2' } },
      { faults: faults.map((fault, at) => ({ fault, name: `${at + 1}.0.9.9.broken.test` })) },
    );
    const listPort = await freePort();
    direct = new DnsClient({ servers: [`127.0.0.1:${listPort}`], timeoutMs: 2_000 });
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const data = [
      'bl.test:ip4set:ip4set',
      'bl.test:ip6trie:ip6trie',
      'wl.test:ip4trie:ip4trie',
      'dbl.test:dnset:dnset',
    ];
    lists = await rbldnsd.start(
      ['-n', ...user, '-w', folder, '-b', `127.0.0.1/${listPort}`, ...data],
      async () => (await direct.resolve('2.0.0.127.bl.test', 'A')).kind === 'records',
    );

    const port = await freePort();
    const configuration = join(folder, 'unbound.conf');
    const stub = (name: string, at: number): string => `stub-zone:\n  name: "${name}"\n  stub-addr: 127.0.0.1@${at}\n`;
    const stubs = ['bl.test', 'wl.test', 'dbl.test'].map((name) => stub(name, listPort)).join('');
    const brokenPort = Number(broken.address.split(':')[1]);
    writeFileSync(configuration, unboundConfiguration({ folder, port }) + stubs + stub('broken.test', brokenPort));
    throughUnbound = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 5_000 });
    recursor = await unbound.start(
      ['-d', '-c', configuration],
      async () => (await throughUnbound.resolve('2.0.0.127.bl.test', 'A')).kind === 'records',
    );
  }, 30_000);

  afterAll(async () => {
    direct?.close();
    throughUnbound?.close();
    await Promise.all([lists?.stop(), recursor?.stop(), broken?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['9.9.8.7', 'listed', ['spam'], ['127.0.0.2'], 'Listed, see https://bl.test/9.9.8.7'],
    ['9.9.9.1', 'listed', ['network'], ['127.0.0.3'], 'Whole network'],
    ['9.9.9.9', 'clean', [], [], undefined],
    ['9.9.8.8', 'clean', [], [], undefined],
    ['9.9.8.9', 'unknown', ['open-resolver'], ['127.255.255.254'], undefined],
    ['9.9.8.10', 'unknown', ['reserved-code'], ['127.0.0.1'], undefined],
    ['9.9.8.11', 'unknown', ['rewritten'], ['10.11.12.13'], undefined],
    ['2a00:1234::1', 'listed', ['range'], ['127.0.0.4'], 'Listed range'],
    ['2a00:1234::5', 'clean', [], [], undefined],
    ['2a00:1235::1', 'clean', [], [], undefined],
  ])('%s is %s, asked directly and through unbound', async (ip, status, reasons, codes, text) => {
    for (const resolver of [direct, throughUnbound]) {
      const result = await queryDnsbl(ip, { zones, resolver });
      expect(result.status).toBe(status);
      expect(result.zones[0]).toMatchObject({ zone: 'bl.test', status, reasons, codes, text });
    }
  });

  it('tells what an allow list says', async () => {
    for (const resolver of [direct, throughUnbound]) {
      expect(await queryDnsbl('9.9.9.1', { zones, resolver })).toMatchObject({ status: 'listed', allowed: true });
      expect(await queryDnsbl('9.9.9.200', { zones, resolver })).toMatchObject({ status: 'listed', allowed: false });
    }
  });

  it.each([
    // The text of a wildcard speaks of what is listed.
    ['Mail.Shady.BIZ', 'listed', ['spam'], ['127.0.1.2'], 'Listed domain, see https://dbl.test/shady.biz'],
    ['shady.biz', 'listed', ['spam'], ['127.0.1.2'], 'Listed domain, see https://dbl.test/shady.biz'],
    ['honest.shady.biz', 'clean', [], [], undefined],
    ['exact.biz', 'listed', ['phishing'], ['127.0.1.4'], 'Phishing'],
    ['www.exact.biz', 'clean', [], [], undefined],
    ['Bücher.biz', 'listed', ['spam'], ['127.0.1.2'], 'Listed domain, see https://dbl.test/xn--bcher-kva.biz'],
    ['x.refused.biz', 'unknown', ['error-code'], ['127.0.1.255'], undefined],
    ['nobody.biz', 'clean', [], [], undefined],
  ])('the domain %s is %s, asked directly and through unbound', async (domain, status, reasons, codes, text) => {
    for (const resolver of [direct, throughUnbound]) {
      const result = await queryDomainList(domain, { zones: domainZones, resolver });
      expect(result.status).toBe(status);
      expect(result.zones[0]).toMatchObject({ zone: 'dbl.test', status, reasons, codes, text });
    }
  });

  it('asks about the longest of domains, which loses its first labels', async () => {
    const domain = `${`${'x'.repeat(48)}.`.repeat(4)}${'y'.repeat(40)}.shady.biz`;
    expect(domain.length).toBe(246);
    for (const resolver of [direct, throughUnbound]) {
      expect((await queryDomainList(domain, { zones: domainZones, resolver })).status).toBe('listed');
    }
  });

  it('decides without a list that hangs behind unbound', async () => {
    const resolver = new CachingResolver(throughUnbound);
    const all = [...zones, 'broken.test'];
    // 9.9.0.1 is listed by the first, known to no allow list, and dropped by the last.
    const decided = await queryDnsbl('9.9.0.1', { zones: all, resolver, stopAtScore: 1, timeoutMs: 60_000 });
    expect(decided).toMatchObject({
      status: 'listed',
      allowed: false,
      zones: [{ status: 'listed' }, { status: 'clean' }, { status: 'skipped', reasons: ['stopped'] }],
    });
    const patient = await queryDnsbl('9.9.0.1', { zones: all, resolver, timeoutMs: 500 });
    expect(patient).toMatchObject({ status: 'listed', score: 1, zones: [{}, {}, { status: 'unknown' }] });
  });

  it('hears a list of another server through unbound', async () => {
    const result = await queryDnsbl('9.9.8.7', { zones: ['broken.test'], resolver: throughUnbound });
    expect(result).toMatchObject({ status: 'listed', zones: [{ codes: ['127.0.0.2'] }] });
  });

  it.each(faults.map((fault, at) => [fault, `9.9.0.${at + 1}`] as const))(
    'does not take a list for clean that answers unbound with the fault %s',
    async (_, ip) => {
      const result = await queryDnsbl(ip, { zones: ['broken.test'], resolver: throughUnbound, timeoutMs: 3_000 });
      expect(result).toMatchObject({ status: 'unknown', reason: 'no-answer', score: 0 });
    },
  );

  it('takes the refusal of a list that is not there for unknown', async () => {
    const result = await queryDnsbl('9.9.8.7', { zones: ['other.test'], resolver: direct });
    expect(result).toMatchObject({ status: 'unknown', zones: [{ status: 'unknown', reasons: ['refused'] }] });
  });

  it('does not list while the server is down', async () => {
    const port = await freePort();
    using resolver = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 1_000, attemptTimeoutMs: 200 });
    const { status, score } = await queryDnsbl('9.9.8.7', { zones, resolver });
    expect({ status, score }).toEqual({ status: 'unknown', score: 0 });
  });
});
