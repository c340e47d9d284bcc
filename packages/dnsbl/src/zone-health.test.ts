import { MemoryStore, systemClock } from '@postern/core';
import { sampleSession, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { dnsbl } from './dnsbl-check.ts';
import { queryDnsbl } from './query-dnsbl.ts';
import { queryDomainList } from './query-domain-list.ts';
import { isZoneHealth, type ZoneHealth } from './zone-health.ts';

/** Sets these zones aside, and keeps what it is told. */
class Health implements ZoneHealth {
  readonly suspected: string[] = [];
  readonly #aside: readonly string[];

  constructor(...aside: readonly string[]) {
    this.#aside = aside;
  }

  isAside(zone: string): boolean {
    return this.#aside.includes(zone);
  }

  suspect(zone: string): void {
    this.suspected.push(zone);
  }
}

const listed = { A: '127.0.0.2' };

describe('isZoneHealth', () => {
  it('wants both functions', () => {
    expect(isZoneHealth(new Health())).toBe(true);
    for (const wrong of [undefined, null, 'x', {}, { isAside: () => false }, { isAside: true, suspect: () => {} }]) {
      expect(isZoneHealth(wrong)).toBe(false);
    }
  });
});

describe('a query with a monitor', () => {
  it('does not ask a zone that is set aside: neither listed nor clean', async () => {
    const resolver = new ZoneResolver({ '7.8.9.9.a.example': listed, '7.8.9.9.b.example': listed });
    const monitor = new Health('a.example');
    const zones = ['a.example', { name: 'b.example', weight: 2, key: 'sesame' }];
    expect(await queryDnsbl('9.9.8.7', { zones: ['a.example'], resolver, monitor })).toMatchObject({
      status: 'unknown',
      reason: 'no-answer',
      score: 0,
      zones: [{ status: 'unknown', reasons: ['set-aside'] }],
    });
    expect(await queryDnsbl('9.9.8.7', { zones, resolver, monitor })).toMatchObject({
      status: 'unknown',
      zones: [{ reasons: ['set-aside'] }, { zone: 'b.example', status: 'clean' }],
    });
    expect([...resolver.queries].map(({ name }) => name)).toEqual(['7.8.9.9.sesame.b.example']);
    expect(monitor.suspected).toEqual([]);
  });

  it('leaves an allow list that is set aside out, so that it lifts nothing', async () => {
    const resolver = new ZoneResolver({ '7.8.9.9.bl.example': listed, '7.8.9.9.wl.example': listed });
    const zones = ['bl.example', { name: 'wl.example', kind: 'allow' } as const];
    expect(await queryDnsbl('9.9.8.7', { zones, resolver })).toMatchObject({ allowed: true });
    const monitor = new Health('wl.example');
    expect(await queryDnsbl('9.9.8.7', { zones, resolver, monitor })).toMatchObject({
      status: 'listed',
      allowed: false,
    });
  });

  it('does so for lists of domains', async () => {
    const resolver = new ZoneResolver({ 'spam.test.dbl.example': listed });
    const asking = { zones: ['dbl.example'], resolver, askSpecial: true };
    expect(await queryDomainList('spam.test', asking)).toMatchObject({ status: 'listed' });
    expect(await queryDomainList('spam.test', { ...asking, monitor: new Health('dbl.example') })).toMatchObject({
      status: 'unknown',
      zones: [{ reasons: ['set-aside'] }],
    });
  });

  it('decides early without a zone that is set aside', async () => {
    const resolver = new ZoneResolver({ '7.8.9.9.a.example': 'timeout' });
    const monitor = new Health('a.example', 'b.example');
    const zones = ['a.example', 'b.example'];
    expect(await queryDnsbl('9.9.8.7', { zones, resolver, monitor, stopAtScore: 1 })).toMatchObject({
      status: 'unknown',
    });
    expect([...resolver.queries]).toEqual([]);
  });

  it('tells it of zones that gave no word, and of no others', async () => {
    const resolver = new ZoneResolver({
      '7.8.9.9.listed.example': listed,
      '7.8.9.9.silent.example': 'timeout',
      '7.8.9.9.failing.example': 'servfail',
      '7.8.9.9.quota.example': { A: '127.255.255.255' },
      '7.8.9.9.hanging.example': listed,
    });
    resolver.hold('7.8.9.9.hanging.example');
    const monitor = new Health('aside.example');
    const names = ['listed', 'clean', 'silent', 'failing', 'quota', 'hanging', 'aside'];
    const zones = [...names.map((name) => `${name}.example`), { name: 'four.example', ipv4: false }];
    await queryDnsbl('9.9.8.7', { zones, resolver, monitor, timeoutMs: 50 });
    expect(monitor.suspected).toEqual(['silent.example', 'failing.example', 'quota.example', 'hanging.example']);
  });

  it('tells it nothing when the caller gave up, or the address was none', async () => {
    const resolver = new ZoneResolver({ '7.8.9.9.a.example': listed });
    resolver.hold('7.8.9.9.a.example');
    const monitor = new Health();
    const controller = new AbortController();
    const query = queryDnsbl('9.9.8.7', { zones: ['a.example'], resolver, monitor, signal: controller.signal });
    controller.abort();
    await query;
    await queryDnsbl('nonsense', { zones: ['a.example'], resolver, monitor });
    await queryDnsbl('10.0.0.1', { zones: ['a.example'], resolver, monitor });
    expect(monitor.suspected).toEqual([]);
  });

  it('keeps the check from refusing for a list that is set aside', async () => {
    const resolver = new ZoneResolver({ '7.8.9.9.a.example': listed });
    const context = { resolver, store: new MemoryStore(), clock: systemClock };
    const verdict = async (monitor: ZoneHealth, onUnknown: 'ignore' | 'defer'): Promise<unknown> => {
      const check = dnsbl({ zones: ['a.example'], monitor, onUnknown });
      return await check.start(sampleSession('9.9.8.7'), context)?.connect?.(new AbortController().signal);
    };
    expect(await verdict(new Health(), 'ignore')).toMatchObject({ verdict: 'reject' });
    const ignored = await verdict(new Health('a.example'), 'ignore');
    expect(ignored).toMatchObject({ finding: { kind: 'dnsbl/unknown', zones: [{ reasons: ['set-aside'] }] } });
    expect(ignored).not.toHaveProperty('verdict');
    expect(await verdict(new Health('a.example'), 'defer')).toMatchObject({ verdict: 'defer' });
  });

  it('is refused when it is none', async () => {
    const options = { zones: ['a.example'], resolver: new ZoneResolver(), monitor: {} };
    await expect(Reflect.apply(queryDnsbl, undefined, ['9.9.8.7', options])).rejects.toThrow(
      'queryDnsbl: option "monitor" must be a ZoneMonitor',
    );
    expect(() => Reflect.apply(dnsbl, undefined, [{ zones: ['a.example'], monitor: {} }])).toThrow(TypeError);
  });
});
