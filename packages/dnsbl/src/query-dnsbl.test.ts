import { getEventListeners } from 'node:events';
import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AddressZone } from './dnsbl-zone.ts';
import { queryDnsbl } from './query-dnsbl.ts';

/** A documentation address would not be asked about, so the tests' clients are real-looking ones. */
const LISTED = '9.9.8.7';
const CLEAN = '9.9.8.8';
const LISTED_6 = '2a00::1';

const nibbles = `1.${'0.'.repeat(27)}0.0.a.2`;

function listServer(): ZoneResolver {
  return new ZoneResolver({
    '7.8.9.9.bl.example': { A: '127.0.0.2', TXT: 'Sent spam\r\non Friday' },
    [`${nibbles}.bl.example`]: { A: '127.0.0.3' },
    '7.8.9.9.other.example': { A: '127.0.0.4' },
    '7.8.9.9.allow.example': { A: '127.0.0.3' },
    '7.8.9.9.secretkey.dq.example': { A: '127.0.0.2', TXT: 'see 7.8.9.9.SecretKey.dq.example' },
    '8.8.9.9.secretkey.dq.example': 'servfail',
    '8.8.9.9.broken.example': 'servfail',
    '8.8.9.9.refusing.example': 'refused',
  });
}

const other: AddressZone = {
  name: 'other.example',
  weight: 2.5,
  txt: 'never',
  answers: [{ code: '127.0.0.4', reason: 'open-proxy' }],
  lookup: 'https://other.example/?{ip}',
};
const allow: AddressZone = { name: 'allow.example', kind: 'allow' };

afterEach(() => {
  vi.useRealTimers();
});

describe('queryDnsbl', () => {
  it('gathers what every zone says, in the order of the zones', async () => {
    const resolver = listServer();
    expect(await queryDnsbl(LISTED, { zones: ['bl.example', other, allow, 'third.example'], resolver })).toEqual({
      status: 'listed',
      reason: undefined,
      score: 3.5,
      allowed: true,
      zones: [
        {
          zone: 'bl.example',
          kind: 'block',
          status: 'listed',
          codes: ['127.0.0.2'],
          reasons: ['listed'],
          score: 1,
          text: 'Sent spam  on Friday',
          link: undefined,
        },
        {
          zone: 'other.example',
          kind: 'block',
          status: 'listed',
          codes: ['127.0.0.4'],
          reasons: ['open-proxy'],
          score: 2.5,
          text: undefined,
          link: 'https://other.example/?9.9.8.7',
        },
        {
          zone: 'allow.example',
          kind: 'allow',
          status: 'listed',
          codes: ['127.0.0.3'],
          reasons: ['listed'],
          score: 1,
          text: undefined,
          link: undefined,
        },
        {
          zone: 'third.example',
          kind: 'block',
          status: 'clean',
          codes: [],
          reasons: [],
          score: 0,
          text: undefined,
          link: undefined,
        },
      ],
    });
    // TXT only of listings, and only where the zone says so.
    expect(resolver.queries.count('7.8.9.9.bl.example', 'TXT')).toBe(1);
    expect(resolver.queries.count('7.8.9.9.other.example', 'TXT')).toBe(0);
    expect(resolver.queries.count('7.8.9.9.third.example', 'TXT')).toBe(0);
  });

  it('asks about IPv6 addresses nibble by nibble', async () => {
    const resolver = listServer();
    const result = await queryDnsbl(LISTED_6, { zones: ['bl.example', { ...other, ipv6: false }], resolver });
    expect(result).toMatchObject({
      status: 'listed',
      zones: [
        { status: 'listed', codes: ['127.0.0.3'] },
        { status: 'skipped', reasons: ['other-family'] },
      ],
    });
    expect(resolver.queries.count(`${nibbles}.bl.example`, 'A')).toBe(1);
  });

  it('takes an IPv4-mapped address for the IPv4 address', async () => {
    const result = await queryDnsbl('::ffff:9.9.8.7', { zones: ['bl.example'], resolver: listServer() });
    expect(result.status).toBe('listed');
  });

  it.each<[string, (string | AddressZone)[], object]>([
    ['one clean zone', ['bl.example'], { status: 'clean', reason: undefined, score: 0, allowed: false }],
    ['a zone that cannot say', ['bl.example', 'broken.example'], { status: 'unknown', reason: 'no-answer' }],
    ['an allow zone that cannot say', ['bl.example', { name: 'broken.example', kind: 'allow' }], { status: 'clean' }],
    ['allow zones alone', [allow], { status: 'unknown', reason: 'not-asked' }],
    ['only the other family', [{ name: 'v6.example', ipv4: false }], { status: 'unknown', reason: 'not-asked' }],
    ['no zones', [], { status: 'unknown', reason: 'not-asked' }],
  ])('sums up %s', async (_, zones, expected) => {
    expect(await queryDnsbl(CLEAN, { zones, resolver: listServer() })).toMatchObject(expected);
  });

  it('an allow listing without weight allows nothing', async () => {
    const zones = [{ ...allow, weight: 0 }];
    expect(await queryDnsbl(LISTED, { zones, resolver: listServer() })).toMatchObject({
      allowed: false,
      zones: [{ status: 'listed', score: 0 }],
    });
  });

  it.each([
    '127.0.0.2',
    '10.1.2.3',
    '192.168.0.1',
    '100.64.0.1',
    '192.0.2.1',
    '198.51.100.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    'fe80::1%eth0',
    'fd00::1',
    '2001:db8::1',
    '::ffff:10.0.0.1',
  ])('never asks about %s, unless told to', async (ip) => {
    const resolver = listServer();
    const result = await queryDnsbl(ip, { zones: ['bl.example', allow], resolver });
    expect(result).toMatchObject({
      status: 'unknown',
      reason: 'special-address',
      zones: [
        { status: 'skipped', reasons: ['special-address'] },
        { status: 'skipped', reasons: ['special-address'] },
      ],
    });
    expect(resolver.queries.count()).toBe(0);
    expect((await queryDnsbl(ip, { zones: ['bl.example'], resolver, askSpecial: true })).status).toBe('clean');
    expect(resolver.queries.count()).toBe(1);
  });

  it.each(['', 'nonsense', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.4/24', ' 9.9.8.7', '9.9.8.7\n', 'unix:/run/x'])(
    '%j is not an address',
    async (ip) => {
      const resolver = listServer();
      expect(await queryDnsbl(ip, { zones: ['bl.example'], resolver, askSpecial: true })).toMatchObject({
        status: 'unknown',
        reason: 'not-an-address',
        zones: [{ status: 'skipped', reasons: ['not-an-address'] }],
      });
      expect(resolver.queries.count()).toBe(0);
    },
  );

  it('has one result for any text and asks nothing but names under its zones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), async (ip) => {
        const resolver = listServer();
        const { zones } = await queryDnsbl(ip, { zones: ['bl.example', other], resolver, askSpecial: true });
        expect(zones).toHaveLength(2);
        for (const { name } of resolver.queries) expect(name).toMatch(/^[\da-f.]+\.(bl|other)\.example$/);
      }),
    );
  });

  it('keeps the query key out of the result', async () => {
    const resolver = listServer();
    const zones = [{ name: 'dq.example', key: 'SecretKey' }];
    const result = await queryDnsbl(LISTED, { zones, resolver });
    expect(result.zones).toMatchObject([{ status: 'listed', text: 'see 7.8.9.9.[key].dq.example' }]);
    expect(resolver.queries.count('7.8.9.9.secretkey.dq.example', 'A')).toBe(1);
    const failed = await queryDnsbl(CLEAN, { zones, resolver });
    expect(failed.zones).toMatchObject([{ status: 'unknown', reasons: ['servfail'] }]);
    expect(JSON.stringify([result, failed]).toLowerCase()).not.toContain('secretkey');
  });

  it('accepts no stale answers', async () => {
    const asked: ResolveOptions[] = [];
    const upstream = listServer();
    const resolver: Resolver = {
      resolve: <T extends RecordType>(name: string, type: T, options: ResolveOptions = {}) => {
        asked.push(options);
        return upstream.resolve(name, type, options);
      },
    };
    await queryDnsbl(LISTED, { zones: ['bl.example'], resolver });
    expect(asked.map(({ staleMs }) => staleMs)).toEqual([0, 0]);
  });

  it('asks all zones at once', async () => {
    const resolver = listServer();
    const letGo = resolver.hold('8.8.9.9.bl.example');
    const result = queryDnsbl(CLEAN, { zones: ['bl.example', other, 'third.example'], resolver });
    await Promise.resolve();
    expect(resolver.queries.count()).toBe(3);
    letGo();
    expect((await result).status).toBe('clean');
  });

  it('waits for no zone longer than its deadline, even with a resolver that hangs for ever', async () => {
    vi.useFakeTimers();
    const upstream = listServer();
    const resolver: Resolver = {
      resolve: <T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> =>
        name.endsWith('hung.example') ? new Promise(() => {}) : upstream.resolve(name, type, options),
    };
    const result = queryDnsbl(LISTED, { zones: ['bl.example', 'hung.example'], resolver, timeoutMs: 50 });
    await vi.advanceTimersByTimeAsync(50);
    expect(await result).toMatchObject({
      status: 'listed',
      zones: [{ status: 'listed' }, { status: 'unknown', reasons: ['timeout'] }],
    });
  });

  it('takes 3 seconds by default, tells the resolver to stop, and leaves no timer', async () => {
    vi.useFakeTimers();
    const resolver = listServer();
    resolver.hold('8.8.9.9.bl.example');
    let signal: AbortSignal | undefined;
    const spying: Resolver = {
      resolve: (name, type, options) => {
        signal = options?.signal;
        return resolver.resolve(name, type, options);
      },
    };
    const result = queryDnsbl(CLEAN, { zones: ['bl.example'], resolver: spying });
    await vi.advanceTimersByTimeAsync(2_999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.aborted).toBe(true);
    expect((await result).zones).toMatchObject([{ status: 'unknown', reasons: ['timeout'] }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps a listing whose text does not come in time', async () => {
    vi.useFakeTimers();
    const upstream = listServer();
    const resolver: Resolver = {
      resolve: <T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> =>
        type === 'TXT' ? new Promise(() => {}) : upstream.resolve(name, type, options),
    };
    const result = queryDnsbl(LISTED, { zones: ['bl.example'], resolver });
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await result).zones).toMatchObject([{ status: 'listed', text: undefined }]);
  });

  it('ends at once when its signal is aborted, and lets go of it', async () => {
    const resolver = listServer();
    resolver.hold('7.8.9.9.other.example');
    const controller = new AbortController();
    const { signal } = controller;
    const result = queryDnsbl(LISTED, { zones: [{ name: 'bl.example', txt: 'never' }, other], resolver, signal });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect((await result).zones).toMatchObject([{ status: 'listed' }, { status: 'unknown', reasons: ['aborted'] }]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('lets go of its signal and timer when all have answered', async () => {
    vi.useFakeTimers();
    const { signal } = new AbortController();
    await queryDnsbl(LISTED, { zones: ['bl.example'], resolver: listServer(), signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks nothing when its signal is already aborted', async () => {
    const resolver = listServer();
    const result = await queryDnsbl(LISTED, { zones: ['bl.example'], resolver, signal: AbortSignal.abort() });
    expect(result).toMatchObject({ status: 'unknown', zones: [{ status: 'unknown', reasons: ['aborted'] }] });
    expect(resolver.queries.count()).toBe(0);
  });

  it.each<[string, Resolver['resolve']]>([
    ['rejects', () => Promise.reject(new Error('bug'))],
    [
      'throws',
      () => {
        throw new Error('bug');
      },
    ],
    ['answers rubbish', () => JSON.parse('{"then":null}')],
    ['answers nothing', () => Promise.resolve(JSON.parse('null'))],
  ])('takes a resolver that %s for one that does not know', async (_, resolve) => {
    const result = await queryDnsbl(LISTED, { zones: ['bl.example', other], resolver: { resolve } });
    expect(result).toMatchObject({
      status: 'unknown',
      zones: [{ reasons: ['resolver-error'] }, { reasons: ['resolver-error'] }],
    });
  });

  it('notices that an array of zones was changed', async () => {
    const resolver = listServer();
    const zones = ['bl.example'];
    expect((await queryDnsbl(LISTED, { zones, resolver })).status).toBe('listed');
    zones[0] = 'third.example';
    expect((await queryDnsbl(LISTED, { zones, resolver })).status).toBe('clean');
  });

  it.each<[object, string]>([
    [{ zones: ['bl.example'] }, 'option "resolver" must be a Resolver'],
    [{ zones: 'bl.example', resolver: listServer() }, 'option "zones"'],
    [{ zones: [7], resolver: listServer() }, 'option "zones"'],
    [{ zones: ['bl.example'], resolver: {} }, 'option "resolver"'],
    [{ zones: ['bl.example'], resolver: listServer(), signal: 1 }, 'option "signal"'],
    [{ zones: ['bl.example'], resolver: listServer(), timeoutMs: 0 }, 'option "timeoutMs"'],
    [{ zones: ['bl.example'], resolver: listServer(), timeoutMs: Number.NaN }, 'option "timeoutMs"'],
    [{ zones: ['bl.example'], resolver: listServer(), timeout: 1 }, 'unknown option "timeout"'],
  ])('refuses wrong options: %#', async (options, message) => {
    // @ts-expect-error as a program without types would
    await expect(queryDnsbl(LISTED, options)).rejects.toThrow(message);
  });
});
