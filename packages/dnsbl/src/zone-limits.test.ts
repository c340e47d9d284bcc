import { CachingResolver } from '@postern/core';
import { FakeClock, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { queryDnsbl } from './query-dnsbl.ts';
import { ZoneLimits } from './zone-limits.ts';

function listServer(): ZoneResolver {
  return new ZoneResolver({ '*.bl.example': { A: '127.0.0.2' }, '*.key.dq.example': { A: '127.0.0.2' } });
}

const zones = [
  { name: 'bl.example', txt: 'never' },
  { name: 'dq.example', key: 'key', txt: 'never' },
] as const;

async function reasons(ip: string, resolver: ZoneLimits | CachingResolver): Promise<readonly string[]> {
  const result = await queryDnsbl(ip, { zones, resolver });
  return result.zones.flatMap((zone): readonly string[] => zone.reasons);
}

describe('ZoneLimits', () => {
  it('sends no more queries than the budget of a list, and says so', async () => {
    const clock = new FakeClock();
    const upstream = listServer();
    const limits = [{ zone: 'DQ.example.', count: 2, perMs: 60_000 }];
    const resolver = new ZoneLimits(upstream, { limits, clock });
    expect(await reasons('9.9.9.1', resolver)).toEqual(['listed', 'listed']);
    expect(await reasons('9.9.9.2', resolver)).toEqual(['listed', 'listed']);
    expect(await reasons('9.9.9.3', resolver)).toEqual(['listed', 'over-budget']);
    expect(upstream.queries.count('3.9.9.9.key.dq.example', 'A')).toBe(0);
    clock.advance(120_000);
    expect(await reasons('9.9.9.4', resolver)).toEqual(['listed', 'listed']);
  });

  it('does not charge what a cache before it answers, and is heard through it', async () => {
    const clock = new FakeClock();
    const upstream = new ZoneLimits(listServer(), { limits: [{ zone: 'bl.example', count: 1 }], clock });
    const resolver = new CachingResolver(upstream, { clock });
    for (let turn = 0; turn < 3; turn++) expect(await reasons('9.9.9.1', resolver)).toEqual(['listed', 'listed']);
    for (let turn = 0; turn < 2; turn++) expect(await reasons('9.9.9.2', resolver)).toEqual(['over-budget', 'listed']);
  });

  it('lets only so many wait for a list that hangs', async () => {
    const upstream = listServer();
    const resolver = new ZoneLimits(upstream, { limits: [{ zone: 'bl.example', maxInFlight: 1 }] });
    const letGo = upstream.hold('1.9.9.9.bl.example');
    const first = reasons('9.9.9.1', resolver);
    expect(await reasons('9.9.9.2', resolver)).toEqual(['too-many-at-once', 'listed']);
    letGo();
    expect(await first).toEqual(['listed', 'listed']);
    expect(await reasons('9.9.9.2', resolver)).toEqual(['listed', 'listed']);
  });

  it('has room again when a lookup throws', async () => {
    const limits = [{ zone: 'bl.example', maxInFlight: 1 }];
    const resolver = new ZoneLimits({ resolve: () => Promise.reject(new Error('bug')) }, { limits });
    for (let turn = 0; turn < 2; turn++) await expect(resolver.resolve('a.bl.example', 'A')).rejects.toThrow('bug');
  });

  it('knows the list of a name by the longest of its limits', async () => {
    const limits = [
      { zone: 'example', count: 1 },
      { zone: 'bl.example', count: 2 },
    ];
    const resolver = new ZoneLimits(listServer(), { limits });
    const kinds = [];
    for (const name of ['a.bl.example', 'b.bl.example', 'c.bl.example', 'x.example', 'y.example', 'bl.test']) {
      kinds.push((await resolver.resolve(name, 'A')).kind);
    }
    expect(kinds).toEqual(['records', 'records', 'failure', 'nxdomain', 'failure', 'nxdomain']);
  });

  it.each<[unknown, object, string]>([
    [{}, { limits: [{ zone: 'bl.example' }] }, 'the upstream must be a Resolver'],
    [listServer(), {}, '"limits"'],
    [listServer(), { limits: [] }, '"limits"'],
    [listServer(), { limits: [{ zone: 'no zone' }] }, 'ZoneLimits: limits[0]: option "zone"'],
    [listServer(), { limits: [{ zone: 'bl.example', count: 0 }] }, '"count"'],
    [listServer(), { limits: [{ zone: 'bl.example', count: 'many' }] }, '"count"'],
    [listServer(), { limits: [{ zone: 'bl.example', perMs: 1 }] }, '"perMs"'],
    [listServer(), { limits: [{ zone: 'bl.example', maxInFlight: 0 }] }, '"maxInFlight"'],
    [listServer(), { limits: [{ zone: 'bl.example', max: 1 }] }, 'unknown option "max"'],
    [listServer(), { limits: [{ zone: 'bl.example' }], clock: 1 }, '"clock"'],
  ])('refuses wrong options: %#', (upstream, options, message) => {
    expect(() => Reflect.construct(ZoneLimits, [upstream, options])).toThrow(message);
  });
});
