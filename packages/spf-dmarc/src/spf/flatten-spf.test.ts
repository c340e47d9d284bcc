import { type Cidr, cidrContains, parseCidr, parseIp } from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSpfMailFrom } from './check-spf.ts';
import { lintSpf } from './lint-spf.ts';
import type { SpfNetworkResult, SpfNetworks } from './spf-networks.ts';

type ZoneData = Exclude<ConstructorParameters<typeof ZoneResolver>[0], undefined>;

async function flatten(zone: ZoneData): Promise<SpfNetworks> {
  const { networks } = await lintSpf('example.com', { resolver: new ZoneResolver(zone), maxQueries: 1_000 });
  return networks;
}

function cidrsOf(texts: readonly string[]): readonly Cidr[] {
  return texts.map((text) => {
    const read = parseCidr(text);
    if (!read.ok) throw new Error(text);
    return read.cidr;
  });
}

/** What the networks say that the address gets. */
function resultOf(networks: SpfNetworks, address: string): SpfNetworkResult {
  const ip = parseIp(address);
  if (ip === undefined) throw new Error(address);
  const family = ip.family === 4 ? 'ip4' : 'ip6';
  const found = (['pass', 'neutral', 'softfail', 'fail', 'permerror'] as const).filter((result) =>
    cidrsOf(networks[result][family]).some((cidr) => cidrContains(cidr, ip)),
  );
  expect(found.length).toBeLessThan(2);
  return found[0] ?? networks.otherwise[family];
}

describe('flattenSpf', () => {
  it('takes out what an earlier term fails', async () => {
    const { pass, fail, otherwise, complete } = await flatten({
      'example.com': { TXT: 'v=spf1 -ip4:203.0.114.1 ?ip4:203.0.114.2/31 ip4:203.0.114.0/29 ~all' },
    });
    expect(pass).toEqual({ ip4: ['203.0.114.0/32', '203.0.114.4/30'], ip6: [] });
    expect(fail).toEqual({ ip4: ['203.0.114.1/32'], ip6: [] });
    expect({ otherwise, complete }).toEqual({ otherwise: { ip4: 'softfail', ip6: 'softfail' }, complete: true });
  });

  it('merges what lies side by side', async () => {
    const { pass } = await flatten({
      'example.com': {
        TXT: 'v=spf1 ip4:203.0.115.0/24 include:a.example ip6:2a00:1450:8000::/33 ip6:2a00:1450::/33 -all',
      },
      'a.example': { TXT: 'v=spf1 -ip4:203.0.114.9 ip4:203.0.114.0/24 -all' },
    });
    expect(pass.ip4.slice(0, 2)).toEqual(['203.0.114.0/29', '203.0.114.8/32']);
    expect(pass.ip4.at(-1)).toBe('203.0.115.0/24');
    expect(pass.ip6).toEqual(['2a00:1450::/32']);
  });

  it('says that all pass, where all do', async () => {
    const networks = await flatten({ 'example.com': { TXT: 'v=spf1 -ip4:128.0.0.0/1 +all' } });
    expect(networks.pass).toEqual({ ip4: ['0.0.0.0/1'], ip6: ['::/0'] });
    expect(networks.otherwise.ip6).toBe('pass');
  });

  it('knows nothing of a domain without a record', async () => {
    const networks = await flatten({ 'example.com': { A: '203.0.114.1' } });
    expect(networks).toMatchObject({ pass: { ip4: [], ip6: [] }, otherwise: { ip4: 'none', ip6: 'none' } });
  });

  it.each<[string, ZoneData, string, string]>([
    ['a macro', { 'example.com': { TXT: 'v=spf1 exists:%{i}.a.example -all' } }, 'exists:%{i}.a.example', 'depends'],
    ['ptr', { 'example.com': { TXT: 'v=spf1 ptr -all' } }, 'ptr', 'depends'],
    [
      'a lookup that failed',
      { 'example.com': { TXT: 'v=spf1 mx -all', MX: '10 a.example' }, 'a.example': 'timeout' },
      'mx',
      'lookup-failed',
    ],
  ])('is incomplete for %s', async (_, zone, term, reason) => {
    const { complete, gaps } = await flatten(zone);
    expect({ complete, gaps }).toEqual({ complete: false, gaps: [{ domain: 'example.com', term, reason }] });
  });

  it('is complete when nobody comes to what depends on the message', async () => {
    const { complete } = await flatten({ 'example.com': { TXT: 'v=spf1 +all ptr' } });
    expect(complete).toBe(true);
  });

  it('says who comes to the eleventh lookup', async () => {
    const { pass, permerror, otherwise } = await flatten({
      'example.com': { TXT: `v=spf1 ${'a:a.example '.repeat(10)}ip4:203.0.115.1 a:a.example ip4:203.0.116.1 -all` },
      'a.example': { A: '203.0.114.1', AAAA: '2a00:1450::1' },
    });
    expect(pass.ip4).toEqual(['203.0.114.1/32', '203.0.115.1/32']);
    expect(permerror.ip4).toEqual([]);
    expect(otherwise.ip4).toBe('permerror');
  });
});

/** Few addresses and names, so that terms meet. */
const addresses = ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.5', '10.0.0.9', '10.0.1.0', '10.0.3.255', '203.0.114.1'];
const addresses6 = ['2a00::', '2a00::1', '2a00::2', '2a00::1:1', '2a00:1::1', '2a00:8000::1'];
const names = ['example.com', 'a.example', 'b.example', 'c.example', 'gone.example'];
const qualifier = fc.constantFrom('', '', '', '+', '-', '~', '?');

const mechanism = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...addresses), fc.integer({ min: 20, max: 32 }))
      .map(([ip, length]) => `ip4:${ip}/${length}`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...addresses6), fc.constantFrom(16, 32, 96, 112, 127, 128))
      .map(([ip, length]) => `ip6:${ip}/${length}`),
  },
  { weight: 4, arbitrary: fc.constantFrom(...names).map((name) => `include:${name}`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'mx'), fc.constantFrom(...names), fc.constantFrom('', '/24', '/31//127', '//64'))
      .map(([name, domain, length]) => `${name}:${domain}${length}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'a',
      'mx',
      'all',
      'exists:a.example',
      'exists:gone.example',
      'exists:%{d}',
      'a:%{o}',
      'include:%{d2}.example',
      'a:a..example',
      'include:a..example',
    ),
  },
);
const directive = fc.tuple(qualifier, mechanism).map((parts) => parts.join(''));
const record = fc
  .tuple(
    fc.array(directive, { maxLength: 7 }),
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('-all', '~all', '?all', '') },
      { weight: 1, arbitrary: fc.constantFrom(...names).map((name) => `redirect=${name}`) },
      { weight: 1, arbitrary: fc.constant('ip4:nonsense') },
    ),
  )
  .map(([terms, end]) => ['v=spf1', ...terms, end].join(' '));

const host = fc.record({
  TXT: fc.oneof(
    { weight: 9, arbitrary: record },
    { weight: 1, arbitrary: fc.tuple(record, record).map((both) => [...both]) },
    { weight: 1, arbitrary: fc.constant('no record') },
  ),
  A: fc.uniqueArray(fc.constantFrom(...addresses), { maxLength: 2 }),
  AAAA: fc.uniqueArray(fc.constantFrom(...addresses6), { maxLength: 2 }),
  MX: fc
    .uniqueArray(fc.constantFrom(...names), { maxLength: 3 })
    .map((exchanges) => exchanges.map((name) => `10 ${name}`)),
});

describe('flattenSpf and checkSpfMailFrom', () => {
  it('say the same of every address', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(host, host, host, host), async ([top, a, b, c]) => {
        const zone = { 'example.com': top, 'a.example': a, 'b.example': b, 'c.example': c };
        const resolver = new ZoneResolver(zone);
        const { networks } = await lintSpf('example.com', { resolver, maxQueries: 1_000 });
        fc.pre(networks.complete);
        for (const ip of [...addresses, ...addresses6, '1.2.3.4', '255.255.255.255', '::', 'ffff::']) {
          const input = { ip, helo: 'client.example', mailFrom: 'someone@example.com' };
          const { result } = await checkSpfMailFrom(input, { resolver });
          expect([ip, resultOf(networks, ip)]).toEqual([ip, result]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
