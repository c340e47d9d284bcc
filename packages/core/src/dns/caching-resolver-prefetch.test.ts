import { FakeClock, ZoneResolver } from '@postern/testing';
import { describe, expect, it, vi } from 'vitest';
import { CachingResolver, type CachingResolverOptions } from './caching-resolver.ts';
import type { Resolver } from './resolver.ts';

function setUp(options: CachingResolverOptions = {}) {
  const clock = new FakeClock();
  const upstream = new ZoneResolver({
    'example.com': { A: '192.0.2.1', ttl: 300 },
  });
  const resolver = new CachingResolver(upstream, { clock, ...options });
  return { clock, upstream, resolver };
}

describe('CachingResolver refreshes ahead', () => {
  async function hot(options: CachingResolverOptions = {}, name = 'example.com') {
    const all = setUp(options);
    for (let hit = 0; hit < 3; hit++) await all.resolver.resolve(name, 'A');
    return all;
  }

  it('what is asked for in the last tenth of its TTL, and was asked for before', async () => {
    const { clock, upstream, resolver } = await hot();
    clock.advance(269_999);
    await resolver.resolve('example.com', 'A');
    expect(upstream.queries.count()).toBe(1);
    clock.advance(1);
    expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 30 });
    expect(upstream.queries.count()).toBe(2);
    await vi.waitFor(async () => expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 300 }));
    expect(upstream.queries.count()).toBe(2);
    expect(resolver.stats()).toMatchObject({ prefetches: 1, upstreamQueries: 2 });
  });

  it('not what is asked for seldom', async () => {
    const { clock, upstream, resolver } = setUp();
    await resolver.resolve('example.com', 'A');
    clock.advance(280_000);
    await resolver.resolve('example.com', 'A');
    await resolver.resolve('example.com', 'A');
    expect(upstream.queries.count()).toBe(1);
    await resolver.resolve('example.com', 'A');
    expect(upstream.queries.count()).toBe(2);
  });

  it('not with maxPrefetches: 0, nor at or below a domain of noPrefetch', async () => {
    for (const [options, prefetches] of [
      [{ maxPrefetches: 0 }, 0],
      [{ noPrefetch: ['Example.COM.'] }, 0],
      [{ noPrefetch: ['com'] }, 0],
      [{ noPrefetch: ['ample.com'] }, 1],
    ] as const) {
      const { clock, resolver } = await hot(options);
      clock.advance(280_000);
      for (let hit = 0; hit < 5; hit++) await resolver.resolve('example.com', 'A');
      expect(resolver.stats().prefetches, JSON.stringify(options)).toBe(prefetches);
    }
  });

  it('nor for who says that the name holds a secret', async () => {
    const { clock, resolver } = await hot();
    clock.advance(280_000);
    for (let hit = 0; hit < 5; hit++) await resolver.resolve('example.com', 'A', { shownAs: '[key].com' });
    expect(resolver.stats().prefetches).toBe(0);
  });

  it('no more at once than maxPrefetches', async () => {
    const upstream = new ZoneResolver({ '*.example.com': { A: '192.0.2.1', ttl: 100 } });
    const clock = new FakeClock();
    const resolver = new CachingResolver(upstream, { clock, maxPrefetches: 2, prefetchHits: 1 });
    const names = ['a', 'b', 'c'].map((label) => `${label}.example.com`);
    for (const name of names) await resolver.resolve(name, 'A');
    clock.advance(95_000);
    const releases = names.map((name) => upstream.hold(name));
    for (const name of names) await resolver.resolve(name, 'A');
    expect(resolver.stats().prefetches).toBe(2);
    for (const release of releases) release();
    await vi.waitFor(async () => {
      await resolver.resolve('c.example.com', 'A');
      expect(resolver.stats().prefetches).toBe(3);
    });
    expect(upstream.queries.count()).toBe(6);
  });

  it('once, however many ask while it is under way, and nobody waits for it before the end', async () => {
    const { clock, upstream, resolver } = await hot();
    clock.advance(280_000);
    const release = upstream.hold('example.com');
    for (let hit = 0; hit < 100; hit++) expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 20 });
    clock.advance(20_000);
    const abort = new AbortController();
    const late = [resolver.resolve('example.com', 'A'), resolver.resolve('example.com', 'A', { signal: abort.signal })];
    abort.abort();
    release();
    expect((await Promise.all(late)).map(({ kind }) => kind)).toEqual(['records', 'failure']);
    expect(resolver.stats()).toMatchObject({ prefetches: 1, upstreamQueries: 2, merged: 2 });
  });

  it('to the end, even if the one who came to wait for it gives up', async () => {
    const { clock, upstream, resolver } = await hot();
    clock.advance(280_000);
    const release = upstream.hold('example.com');
    await resolver.resolve('example.com', 'A');
    clock.advance(20_000);
    const abort = new AbortController();
    const answer = resolver.resolve('example.com', 'A', { signal: abort.signal });
    abort.abort();
    expect(await answer).toMatchObject({ reason: 'aborted' });
    release();
    await vi.waitFor(async () => expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 300 }));
    expect(upstream.queries.count()).toBe(2);
  });

  it('and changes nothing when that fails', async () => {
    const { clock, upstream, resolver } = await hot();
    clock.advance(280_000);
    upstream.set('example.com', 'timeout');
    await resolver.resolve('example.com', 'A');
    await vi.waitFor(() => expect(resolver.stats().failures).toBe(1));
    for (let hit = 0; hit < 100; hit++) expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 20 });
    expect(resolver.stats()).toMatchObject({ prefetches: 1, upstreamQueries: 2 });
  });

  it('and survives an upstream that throws', async () => {
    const clock = new FakeClock();
    let calls = 0;
    const upstream: Resolver = {
      async resolve() {
        if (calls++ > 0) throw new TypeError('a mistake');
        return { kind: 'nodata', ttl: 100, authentic: false };
      },
    };
    const resolver = new CachingResolver(upstream, { clock, prefetchHits: 1 });
    await resolver.resolve('a.example', 'A');
    clock.advance(95_000);
    expect(await resolver.resolve('a.example', 'A')).toMatchObject({ kind: 'nodata', ttl: 5 });
    await vi.waitFor(() => expect(calls).toBe(2));
    expect(await resolver.resolve('a.example', 'A')).toMatchObject({ kind: 'nodata', ttl: 5 });
  });
});
