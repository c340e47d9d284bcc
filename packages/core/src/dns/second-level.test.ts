import { FakeClock, ZoneResolver } from '@postern/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Cache } from '../store/cache.ts';
import { CachingResolver, type CachingResolverOptions } from './caching-resolver.ts';

/** A cache in memory, which keeps what it is told as long as it is told. */
class MapCache implements Cache {
  readonly values = new Map<string, { value: Uint8Array; ttlMs: number }>();
  readonly calls: string[] = [];

  get(key: string): Uint8Array | undefined {
    this.calls.push(`get ${key}`);
    return this.values.get(key)?.value;
  }

  set(key: string, value: Uint8Array, ttlMs: number): void {
    this.calls.push(`set ${key}`);
    this.values.set(key, { value, ttlMs });
  }

  delete(key: string): void {
    this.calls.push(`delete ${key}`);
    this.values.delete(key);
  }
}

function setUp(cache: Cache, options: CachingResolverOptions = {}) {
  const clock = new FakeClock();
  const upstream = new ZoneResolver({
    'example.com': { SOA: 'ns.example.com h.example.com 1 3600 600 86400 60', A: '192.0.2.1', ttl: 300 },
    'broken.example.com': 'servfail',
  });
  const make = () => new CachingResolver(upstream, { clock, cache, ...options });
  return { clock, upstream, make, resolver: make() };
}

describe('the second level', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('answers what another resolver has asked, with what is left of the TTL', async () => {
    const cache = new MapCache();
    const { clock, upstream, make, resolver } = setUp(cache);
    const answer = await resolver.resolve('Example.com', 'A');
    await resolver.resolve('none.example.com', 'MX');
    expect([...cache.values].map(([key, { ttlMs }]) => [key, ttlMs])).toEqual([
      ['dns/1/A/example.com', 300_000],
      ['dns/1/MX/none.example.com', 60_000],
    ]);
    clock.advance(50_000);
    const other = make();
    expect(await other.resolve('example.com', 'A')).toEqual({ ...answer, ttl: 250 });
    expect(await other.resolve('none.example.com', 'MX')).toEqual({ kind: 'nxdomain', ttl: 10, authentic: false });
    expect(upstream.queries.count()).toBe(2);
    expect(other.stats()).toMatchObject({ misses: 2, cacheHits: 2, upstreamQueries: 0, cacheErrors: 0, entries: 2 });
    // From now on it is in the first.
    cache.calls.length = 0;
    await other.resolve('example.com', 'A');
    expect(cache.calls).toEqual([]);
  });

  it('is asked once for many who ask the same', async () => {
    const cache = new MapCache();
    const { upstream, resolver } = setUp(cache);
    await Promise.all(Array.from({ length: 100 }, () => resolver.resolve('example.com', 'A')));
    expect(cache.calls).toEqual(['get dns/1/A/example.com', 'set dns/1/A/example.com']);
    expect(upstream.queries.count()).toBe(1);
  });

  it('keeps neither failures nor a TTL of 0', async () => {
    const cache = new MapCache();
    const { upstream, resolver } = setUp(cache);
    await resolver.resolve('broken.example.com', 'A');
    upstream.set('zero.example.com', { A: '192.0.2.2', ttl: 0 });
    await resolver.resolve('zero.example.com', 'A');
    expect(cache.values.size).toBe(0);
  });

  it('is passed over by fresh lookups and refreshes ahead, which renew it', async () => {
    const cache = new MapCache();
    const { clock, upstream, resolver } = setUp(cache, { prefetchHits: 1 });
    const key = 'dns/1/A/example.com';
    await resolver.resolve('example.com', 'A', { fresh: true });
    expect(cache.calls).toEqual([`set ${key}`]);
    clock.advance(280_000);
    await resolver.resolve('example.com', 'A');
    await vi.waitFor(() => expect(cache.calls).toEqual([`set ${key}`, `set ${key}`]));
    upstream.set('example.com', { A: '192.0.2.9', ttl: 0 });
    await resolver.resolve('example.com', 'A', { fresh: true });
    expect(cache.calls).toEqual([`set ${key}`, `set ${key}`, `delete ${key}`]);
  });

  it('is held to this resolver’s own bounds and clock', async () => {
    const cache = new MapCache();
    const { clock, upstream, resolver, make } = setUp(cache);
    await resolver.resolve('example.com', 'A');
    const strict = new CachingResolver(upstream, { clock, cache, maxTtlMs: 100_000 });
    clock.advance(90_000);
    expect(await strict.resolve('example.com', 'A')).toMatchObject({ ttl: 10 });
    // Stored by a machine whose clock is ahead: never longer than its TTL.
    clock.set(clock.now() - 3_600_000);
    expect(await make().resolve('example.com', 'A')).toMatchObject({ ttl: 300 });
    clock.advance(4_000_000);
    expect(await make().resolve('example.com', 'A')).toMatchObject({ ttl: 300 });
    expect(upstream.queries.count()).toBe(2);
  });

  const garbage: readonly (readonly [string, unknown])[] = [
    ['no JSON', Buffer.from('\xff{')],
    ['no answer', Buffer.from('{"storedAt":1}')],
    [
      'another type’s answer',
      Buffer.from('{"storedAt":1e15,"answer":{"kind":"records","records":["x"],"ttl":9,"authentic":true}}'),
    ],
    ['no bytes', 'text'],
    ['null', null],
  ];
  it.each(garbage)('that answers %s has nothing, and is counted', async (_what, value) => {
    const cache = Object.assign(new MapCache(), { get: () => value });
    const resolver = Reflect.construct(CachingResolver, [
      new ZoneResolver({ 'a.example': { A: '192.0.2.1' } }),
      { cache },
    ]);
    expect(await resolver.resolve('a.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    expect(resolver.stats()).toMatchObject({ cacheHits: 0, cacheErrors: 1, upstreamQueries: 1 });
  });

  it('that throws or rejects has nothing, and is counted', async () => {
    const broken = (): never => {
      throw new Error('no connection');
    };
    const rejecting = (): Promise<never> => Promise.reject(new Error('no connection'));
    for (const method of [broken, rejecting]) {
      const { resolver } = setUp({ get: method, set: method, delete: method });
      expect(await resolver.resolve('example.com', 'A')).toMatchObject({ kind: 'records' });
      await vi.waitFor(() => expect(resolver.stats().cacheErrors).toBe(2));
      expect(await resolver.resolve('example.com', 'A')).toMatchObject({ kind: 'records' });
    }
  });

  it('that does not answer delays a lookup by cacheTimeoutMs, and its late answer or rejection changes nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let fail: (error: Error) => void = () => {};
    const get = (): Promise<undefined> =>
      new Promise((_, reject) => {
        fail = reject;
      });
    const { upstream, resolver } = setUp({ get, set: () => {}, delete: () => {} }, { cacheTimeoutMs: 40 });
    const answer = resolver.resolve('example.com', 'A');
    await vi.advanceTimersByTimeAsync(39);
    expect(upstream.queries.count()).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toMatchObject({ kind: 'records' });
    expect(resolver.stats()).toMatchObject({ cacheErrors: 1, upstreamQueries: 1 });
    fail(new Error('late'));
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not followed by a question when everybody has left', async () => {
    const cache = new MapCache();
    const { upstream, resolver } = setUp(cache);
    const abort = new AbortController();
    const answer = resolver.resolve('example.com', 'A', { signal: abort.signal });
    abort.abort();
    expect(await answer).toMatchObject({ reason: 'aborted' });
    await vi.waitFor(async () => {
      await resolver.resolve('example.com', 'A');
      expect(upstream.queries.count()).toBe(1);
    });
  });
});
