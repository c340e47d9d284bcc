import { FakeClock, ZoneResolver } from '@postern/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CachingResolver, type CachingResolverOptions } from './caching-resolver.ts';
import type { Resolver } from './resolver.ts';

const SOA = 'ns.example.com host.example.com 1 3600 600 86400 60';

function setUp(options: CachingResolverOptions = {}) {
  const clock = new FakeClock();
  const upstream = new ZoneResolver({
    'example.com': { SOA, A: '192.0.2.1', ttl: 300 },
  });
  const resolver = new CachingResolver(upstream, { clock, ...options });
  return { clock, upstream, resolver };
}

describe('CachingResolver serves stale answers (RFC 8767)', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const stale = { kind: 'records', records: ['192.0.2.1'], ttl: 30, authentic: false, stale: true };

  async function expired(options: CachingResolverOptions = {}, expiredForMs = 0) {
    const all = setUp(options);
    await all.resolver.resolve('example.com', 'A');
    all.clock.advance(300_000 + expiredForMs);
    return all;
  }

  it('when the upstream fails: marked, frozen, TTL 30 s', async () => {
    for (const failure of ['timeout', 'servfail', 'refused', 'network', 'malformed'] as const) {
      const { upstream, resolver } = await expired();
      upstream.set('example.com', failure);
      const answer = await resolver.resolve('example.com', 'A');
      expect(answer).toEqual(stale);
      expect(Object.isFrozen(answer)).toBe(true);
      expect(resolver.stats()).toMatchObject({ stale: 1, failures: 1 });
    }
  });

  it('absence too', async () => {
    const { clock, upstream, resolver } = setUp();
    await resolver.resolve('none.example.com', 'A');
    clock.advance(60_000);
    upstream.set('none.example.com', 'timeout');
    expect(await resolver.resolve('none.example.com', 'A')).toEqual({
      kind: 'nxdomain',
      ttl: 30,
      authentic: false,
      stale: true,
    });
  });

  it('that expired at most staleMs ago: one day by default', async () => {
    const day = 86_400_000;
    for (const [options, staleMs, age, kind] of [
      [{}, undefined, day, 'records'],
      [{}, undefined, day + 1, 'failure'],
      [{ staleMs: 1_000 }, undefined, 1_000, 'records'],
      [{ staleMs: 1_000 }, undefined, 1_001, 'failure'],
      [{ staleMs: 0 }, undefined, 0, 'failure'],
      [{}, 0, 0, 'failure'],
      [{ staleMs: 0 }, 5_000, 5_000, 'records'],
      [{ staleMs: 0 }, 5_000, 5_001, 'failure'],
      [{}, 4 * day, 3 * day, 'records'],
      [{}, 4 * day, 3 * day + 1, 'failure'],
      [{ maxStaleMs: 4 * day }, 4 * day, 4 * day, 'records'],
    ] as const) {
      const { upstream, resolver } = await expired(options, age);
      upstream.set('example.com', 'timeout');
      const answer = await resolver.resolve('example.com', 'A', staleMs === undefined ? {} : { staleMs });
      expect(answer.kind, JSON.stringify({ options, staleMs, age })).toBe(kind);
    }
  });

  it('to each caller of a merged lookup as he accepts them', async () => {
    const { upstream, resolver } = await expired({}, 10_000);
    upstream.set('example.com', 'timeout');
    const kinds = [undefined, 0, 9_999, 10_000].map((staleMs) =>
      resolver.resolve('example.com', 'A', staleMs === undefined ? {} : { staleMs }),
    );
    expect((await Promise.all(kinds)).map(({ kind }) => kind)).toEqual(['records', 'failure', 'failure', 'records']);
    expect(upstream.queries.count()).toBe(2);
  });

  it('for 30 s without asking again, and the failure to whoever does not accept them for failureTtlMs', async () => {
    const { clock, upstream, resolver } = await expired();
    upstream.set('example.com', 'timeout');
    await resolver.resolve('example.com', 'A');
    clock.advance(4_999);
    expect(await resolver.resolve('example.com', 'A')).toEqual(stale);
    expect(await resolver.resolve('example.com', 'A', { staleMs: 0 })).toMatchObject({
      kind: 'failure',
      reason: 'timeout',
    });
    expect(upstream.queries.count()).toBe(2);
    clock.advance(25_000);
    expect(await resolver.resolve('example.com', 'A')).toEqual(stale);
    expect(upstream.queries.count()).toBe(2);
    clock.advance(1);
    expect(await resolver.resolve('example.com', 'A')).toEqual(stale);
    expect(upstream.queries.count()).toBe(3);
    expect(resolver.stats().stale).toBe(4);
  });

  it('no more once the upstream has answered', async () => {
    const { clock, upstream, resolver } = await expired();
    upstream.set('example.com', 'timeout');
    await resolver.resolve('example.com', 'A');
    upstream.set('example.com', { A: '192.0.2.9' });
    clock.advance(30_000);
    expect(await resolver.resolve('example.com', 'A')).toMatchObject({ records: ['192.0.2.9'], ttl: 300 });
  });

  it('after 1.8 s, while the lookup goes on and its answer is remembered', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { upstream, resolver } = await expired();
    const release = upstream.hold('example.com');
    upstream.set('example.com', { A: '192.0.2.9' });
    const abort = new AbortController();
    const settled: string[] = [];
    const patient = resolver.resolve('example.com', 'A', { staleMs: 0 }).then((answer) => {
      settled.push('patient');
      return answer;
    });
    const other = resolver.resolve('example.com', 'A', { signal: abort.signal }).then((answer) => {
      settled.push('other');
      return answer;
    });
    await vi.advanceTimersByTimeAsync(1_799);
    expect(settled).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(settled).toEqual(['other']);
    expect(await other).toEqual(stale);
    // Who comes now does not wait at all.
    expect(await resolver.resolve('example.com', 'A')).toEqual(stale);
    abort.abort();
    release();
    expect(await patient).toMatchObject({ records: ['192.0.2.9'] });
    expect(await resolver.resolve('example.com', 'A')).toMatchObject({ records: ['192.0.2.9'] });
    expect(upstream.queries.count()).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('and lets a lookup that outlasted all its callers finish', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { upstream, resolver } = await expired({ staleAfterMs: 100 });
    const release = upstream.hold('example.com');
    const abort = new AbortController();
    const answer = resolver.resolve('example.com', 'A');
    const patient = resolver.resolve('example.com', 'A', { staleMs: 0, signal: abort.signal });
    await vi.advanceTimersByTimeAsync(100);
    expect(await answer).toEqual(stale);
    abort.abort();
    expect(await patient).toMatchObject({ reason: 'aborted' });
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 300 });
    expect(upstream.queries.count()).toBe(2);
  });

  it('leaves no timer when the answer comes before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { resolver } = await expired();
    expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 300 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer when a caller gives up before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { upstream, resolver } = await expired();
    upstream.hold('example.com');
    const abort = new AbortController();
    const answer = resolver.resolve('example.com', 'A', { signal: abort.signal });
    expect(vi.getTimerCount()).toBe(1);
    abort.abort();
    expect(await answer).toMatchObject({ reason: 'aborted' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('passes stale answers of the upstream on, and does not remember them', async () => {
    const asked: (number | undefined)[] = [];
    const upstream: Resolver = {
      async resolve(_name, _type, options) {
        asked.push(options?.staleMs);
        return { kind: 'nodata', ttl: 30, authentic: false, stale: true };
      },
    };
    const resolver = new CachingResolver(upstream);
    expect(await resolver.resolve('a.example', 'A')).toMatchObject({ stale: true });
    await resolver.resolve('a.example', 'A', { staleMs: 5_000 });
    expect(asked).toEqual([0, 0]);
    expect(resolver.stats().entries).toBe(0);
  });
});
