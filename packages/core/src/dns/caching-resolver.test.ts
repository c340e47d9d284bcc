import { FakeClock, resolverContract, ZoneResolver } from '@postern/testing';
import { describe, expect, it, vi } from 'vitest';
import { CachingResolver, type CachingResolverOptions } from './caching-resolver.ts';
import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from './resolver.ts';

const SOA = 'ns.example.com host.example.com 1 3600 600 86400 60';

function setUp(options: CachingResolverOptions = {}) {
  const clock = new FakeClock();
  const upstream = new ZoneResolver({
    'example.com': { SOA, A: '192.0.2.1', MX: '10 mx.example.com', ttl: 300 },
    'zero.example.com': { A: '192.0.2.3', ttl: 0 },
    'long.example.com': { A: '192.0.2.4', ttl: 0x7fffffff },
    'alias.example.com': { CNAME: 'example.com', ttl: 100 },
    'broken.example.com': 'servfail',
    'no-soa.test': { A: '192.0.2.2' },
  });
  const resolver = new CachingResolver(upstream, { clock, ...options });
  return { clock, upstream, resolver };
}

/** An upstream that does what a test says. */
function upstreamOf(answer: (name: string, type: RecordType, options: ResolveOptions) => unknown): Resolver {
  // A test may answer what the types forbid: that is what it is about.
  const resolve: Resolver['resolve'] = async (name, type, options = {}) =>
    JSON.parse(JSON.stringify(await answer(name, type, options)));
  return { resolve };
}

for (const { name, run } of resolverContract('CachingResolver', (zone) => ({
  resolver: new CachingResolver(new ZoneResolver(zone)),
}))) {
  it(name, run);
}

describe('CachingResolver', () => {
  describe('remembers records', () => {
    it('for their TTL, which counts down', async () => {
      const { clock, upstream, resolver } = setUp();
      const first = await resolver.resolve('example.com', 'A');
      expect(first).toEqual({ kind: 'records', records: ['192.0.2.1'], ttl: 300, authentic: false });
      clock.advance(299_999);
      expect(await resolver.resolve('example.com', 'A')).toEqual({ ...first, ttl: 0 });
      expect(upstream.queries.count()).toBe(1);
      clock.advance(1);
      expect(await resolver.resolve('example.com', 'A')).toEqual(first);
      expect(upstream.queries.count()).toBe(2);
    });

    it('in whole seconds, and gives the same frozen object within a second', async () => {
      const { clock, resolver } = setUp();
      await resolver.resolve('example.com', 'A');
      clock.advance(1);
      const answer = await resolver.resolve('example.com', 'A');
      expect(answer).toMatchObject({ ttl: 299 });
      clock.advance(999);
      expect(await resolver.resolve('example.com', 'A')).toBe(answer);
      expect(Object.isFrozen(answer)).toBe(true);
      if (answer.kind === 'records') expect(Object.isFrozen(answer.records)).toBe(true);
    });

    it('by type, and whatever the case and the trailing dot', async () => {
      const { upstream, resolver } = setUp();
      for (const name of ['example.com', 'EXAMPLE.com', 'Example.Com.']) {
        expect(await resolver.resolve(name, 'A')).toMatchObject({ records: ['192.0.2.1'] });
        expect(await resolver.resolve(name, 'MX')).toMatchObject({ records: [{ exchange: 'mx.example.com' }] });
      }
      expect([...upstream.queries].map(({ name, type }) => `${name} ${type}`)).toEqual([
        'example.com A',
        'example.com MX',
      ]);
    });

    it('with what else the answer says', async () => {
      const { clock, resolver } = setUp();
      const answer = await resolver.resolve('alias.example.com', 'A');
      clock.advance(60_000);
      expect(await resolver.resolve('alias.example.com', 'A')).toEqual({
        ...answer,
        canonicalName: 'example.com',
        ttl: 40,
      });
    });

    it('not at all with a TTL of 0', async () => {
      const { upstream, resolver } = setUp();
      expect(await resolver.resolve('zero.example.com', 'A')).toMatchObject({ ttl: 0 });
      await resolver.resolve('zero.example.com', 'A');
      expect(upstream.queries.count()).toBe(2);
      expect(resolver.stats().entries).toBe(0);
    });

    it('for at least minTtlMs and at most maxTtlMs, and says so in the TTL', async () => {
      const { clock, upstream, resolver } = setUp({ minTtlMs: 10_000, maxTtlMs: 20_000 });
      expect(await resolver.resolve('zero.example.com', 'A')).toMatchObject({ ttl: 10 });
      expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 20 });
      clock.advance(9_999);
      await resolver.resolve('zero.example.com', 'A');
      expect(upstream.queries.count()).toBe(2);
      clock.advance(1);
      await resolver.resolve('zero.example.com', 'A');
      await resolver.resolve('example.com', 'A');
      expect(upstream.queries.count()).toBe(3);
      clock.advance(10_000);
      await resolver.resolve('example.com', 'A');
      expect(upstream.queries.count()).toBe(4);
    });

    it('for one day at most by default', async () => {
      const { resolver } = setUp();
      expect(await resolver.resolve('long.example.com', 'A')).toMatchObject({ ttl: 86_400 });
    });

    // RFC 2181 §8
    it.each([2 ** 31, 2 ** 32, -1, Number.NaN])('with a TTL of %d as with one of 0', async (ttl) => {
      const upstream = upstreamOf(() => ({ kind: 'nodata', ttl, authentic: false }));
      const resolver = new CachingResolver(upstream);
      expect(await resolver.resolve('a.example', 'A')).toMatchObject({ kind: 'nodata', ttl: 0 });
      await resolver.resolve('a.example', 'A');
      expect(resolver.stats()).toMatchObject({ upstreamQueries: 2, entries: 0 });
    });

    it('frozen, records included', async () => {
      const records = [{ preference: 10, exchange: 'mx.example.com' }];
      const resolver = new CachingResolver(
        upstreamOf(() => ({ kind: 'records', records, ttl: 300, authentic: false })),
      );
      const answer = await resolver.resolve('example.com', 'MX');
      if (answer.kind !== 'records') throw new Error('no records');
      for (const part of [answer, answer.records, ...answer.records]) expect(Object.isFrozen(part)).toBe(true);
    });
  });

  describe('remembers absence', () => {
    it('for the TTL that the answer has from the SOA record (RFC 2308 §5)', async () => {
      const { clock, upstream, resolver } = setUp();
      expect(await resolver.resolve('none.example.com', 'A')).toEqual({ kind: 'nxdomain', ttl: 60, authentic: false });
      expect(await resolver.resolve('example.com', 'AAAA')).toEqual({ kind: 'nodata', ttl: 60, authentic: false });
      clock.advance(59_000);
      expect(await resolver.resolve('none.example.com', 'A')).toMatchObject({ kind: 'nxdomain', ttl: 1 });
      expect(await resolver.resolve('example.com', 'AAAA')).toMatchObject({ kind: 'nodata', ttl: 1 });
      expect(upstream.queries.count()).toBe(2);
      clock.advance(1_000);
      await resolver.resolve('none.example.com', 'A');
      expect(upstream.queries.count()).toBe(3);
    });

    it('not at all without an SOA record', async () => {
      const { upstream, resolver } = setUp();
      await resolver.resolve('no-soa.test', 'MX');
      await resolver.resolve('no-soa.test', 'MX');
      expect(upstream.queries.count()).toBe(2);
    });

    it('for one hour at most by default, and for maxNegativeTtlMs otherwise', async () => {
      const upstream = upstreamOf(() => ({ kind: 'nxdomain', ttl: 86_400, authentic: true }));
      expect(await new CachingResolver(upstream).resolve('a.example', 'A')).toEqual({
        kind: 'nxdomain',
        ttl: 3_600,
        authentic: true,
      });
      const short = new CachingResolver(upstream, { maxNegativeTtlMs: 30_000 });
      expect(await short.resolve('a.example', 'A')).toMatchObject({ ttl: 30 });
    });
  });

  describe('remembers failures', () => {
    it('for five seconds by default', async () => {
      const { clock, upstream, resolver } = setUp();
      const failure = await resolver.resolve('broken.example.com', 'A');
      expect(failure).toMatchObject({ kind: 'failure', reason: 'servfail' });
      clock.advance(4_999);
      expect(await resolver.resolve('broken.example.com', 'A')).toBe(failure);
      expect(upstream.queries.count()).toBe(1);
      clock.advance(1);
      upstream.set('broken.example.com', { A: '192.0.2.9' });
      expect(await resolver.resolve('broken.example.com', 'A')).toMatchObject({ records: ['192.0.2.9'] });
      expect(resolver.stats()).toMatchObject({ failures: 1, hits: 1, misses: 2 });
    });

    it('of one type without losing the other types of the name', async () => {
      const { clock, upstream, resolver } = setUp();
      upstream.set('example.com', { A: '192.0.2.1', TXT: { failure: 'timeout' } });
      await resolver.resolve('example.com', 'A');
      await resolver.resolve('example.com', 'TXT');
      clock.advance(1_000);
      expect(await resolver.resolve('example.com', 'A')).toMatchObject({ kind: 'records' });
      expect(await resolver.resolve('example.com', 'TXT')).toMatchObject({ reason: 'timeout' });
      expect(upstream.queries.count()).toBe(2);
    });

    it('but never that a lookup was aborted', async () => {
      const upstream = upstreamOf(() => ({ kind: 'failure', reason: 'aborted', detail: '' }));
      const resolver = new CachingResolver(upstream);
      await resolver.resolve('a.example', 'A');
      expect(await resolver.resolve('a.example', 'A')).toMatchObject({ reason: 'aborted' });
      expect(resolver.stats()).toMatchObject({ upstreamQueries: 2, entries: 0 });
    });

    it.each([
      '',
      'a..b',
      'a\tb',
      'a\0b',
      'b\u00fccher.example',
      '\u212a.example',
      `${'a'.repeat(64)}.example`,
      'a.'.repeat(200),
    ])('and answers %j itself', async (name) => {
      const { upstream, resolver } = setUp();
      const answer = await resolver.resolve(name, 'A');
      if (name === '') return expect(answer.kind).not.toBe('failure');
      expect(answer).toMatchObject({ kind: 'failure', reason: 'malformed' });
      expect(upstream.queries.count()).toBe(0);
      expect(resolver.stats().entries).toBe(0);
    });
  });

  describe('fresh: true', () => {
    it('asks whatever is remembered, and remembers what it learns', async () => {
      const { upstream, resolver } = setUp();
      await resolver.resolve('example.com', 'A');
      upstream.set('example.com', { A: '192.0.2.99' });
      expect(await resolver.resolve('example.com', 'A')).toMatchObject({ records: ['192.0.2.1'] });
      expect(await resolver.resolve('example.com', 'A', { fresh: true })).toMatchObject({ records: ['192.0.2.99'] });
      expect(await resolver.resolve('example.com', 'A')).toMatchObject({ records: ['192.0.2.99'] });
      expect([...upstream.queries].map(({ fresh }) => fresh)).toEqual([false, true]);
    });

    it('waits for a fresh lookup under way, never for another', async () => {
      const { upstream, resolver } = setUp();
      const release = upstream.hold('example.com');
      const answers = [
        resolver.resolve('example.com', 'A'),
        resolver.resolve('example.com', 'A', { fresh: true }),
        resolver.resolve('example.com', 'A', { fresh: true }),
        resolver.resolve('example.com', 'A'),
      ];
      release();
      for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ kind: 'records' });
      expect(upstream.queries.count()).toBe(2);
      expect(resolver.stats()).toMatchObject({ misses: 2, merged: 2 });
    });

    it('is waited for by those who do not insist on it', async () => {
      const { upstream, resolver } = setUp();
      const release = upstream.hold('example.com');
      const answers = [resolver.resolve('example.com', 'A', { fresh: true }), resolver.resolve('example.com', 'A')];
      release();
      await Promise.all(answers);
      expect(upstream.queries.count()).toBe(1);
    });

    it('fails when the upstream fails, remembered and stale answers notwithstanding', async () => {
      const { upstream, resolver } = setUp();
      await resolver.resolve('example.com', 'A');
      upstream.set('example.com', 'timeout');
      const failure = await resolver.resolve('example.com', 'A', { fresh: true, staleMs: 60_000 });
      expect(failure).toMatchObject({ kind: 'failure', reason: 'timeout' });
      expect(await resolver.resolve('example.com', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    });

    it('forgets what a TTL of 0 has replaced', async () => {
      const { upstream, resolver } = setUp();
      await resolver.resolve('example.com', 'A');
      upstream.set('example.com', { A: '192.0.2.7', ttl: 0 });
      await resolver.resolve('example.com', 'A', { fresh: true });
      upstream.set('example.com', 'timeout');
      expect(await resolver.resolve('example.com', 'A')).toMatchObject({ reason: 'timeout' });
    });
  });

  describe('merges lookups', () => {
    it('10,000 at once send one query', async () => {
      const { upstream, resolver } = setUp();
      const names = ['example.com', 'EXAMPLE.COM', 'example.com.'];
      const lookups = Array.from({ length: 10_000 }, (_, index) => resolver.resolve(names[index % 3] ?? '', 'A'));
      const answers = await Promise.all(lookups);
      expect(upstream.queries.count()).toBe(1);
      expect(new Set(answers).size).toBe(1);
      expect(resolver.stats()).toMatchObject({ misses: 1, merged: 9_999, hits: 0 });
    });

    it('and an abort ends the wait of its caller alone, at once', async () => {
      const { upstream, resolver } = setUp();
      const release = upstream.hold('example.com');
      const abort = new AbortController();
      const others = [
        resolver.resolve('example.com', 'A'),
        resolver.resolve('example.com', 'A', { signal: new AbortController().signal }),
      ];
      const mine = resolver.resolve('example.com', 'A', { signal: abort.signal });
      abort.abort();
      expect(await mine).toMatchObject({ kind: 'failure', reason: 'aborted' });
      release();
      for (const answer of await Promise.all(others)) expect(answer).toMatchObject({ kind: 'records' });
      expect(upstream.queries.count()).toBe(1);
    });

    it('the first caller may leave too', async () => {
      const { upstream, resolver } = setUp();
      const release = upstream.hold('example.com');
      const abort = new AbortController();
      const first = resolver.resolve('example.com', 'A', { signal: abort.signal });
      const second = resolver.resolve('example.com', 'A');
      abort.abort();
      release();
      expect(await first).toMatchObject({ reason: 'aborted' });
      expect(await second).toMatchObject({ kind: 'records' });
    });

    it('and aborts the upstream when all are gone, and only then', async () => {
      const signals: (AbortSignal | undefined)[] = [];
      const upstream: Resolver = {
        resolve: (_, __, options) => {
          signals.push(options?.signal);
          return new Promise(() => {});
        },
      };
      const resolver = new CachingResolver(upstream);
      const aborts = [new AbortController(), new AbortController()];
      const lookups = aborts.map(({ signal }) => resolver.resolve('example.com', 'A', { signal }));
      aborts[0]?.abort();
      expect(signals[0]?.aborted).toBe(false);
      aborts[1]?.abort();
      expect(signals[0]?.aborted).toBe(true);
      for (const answer of await Promise.all(lookups)) expect(answer).toMatchObject({ reason: 'aborted' });

      // Who comes later does not wait for a lookup that was given up.
      void resolver.resolve('example.com', 'A');
      expect(signals).toHaveLength(2);
      expect(signals[1]?.aborted).toBe(false);
      expect(resolver.stats()).toMatchObject({ failures: 0, entries: 0 });
    });

    it('and does not remember how a lookup ended that was given up', async () => {
      const upstream: Resolver = {
        resolve: (_name, _type, options) =>
          new Promise((resolve) => {
            const failure = { kind: 'failure', reason: 'timeout', detail: 'The upstream calls it so.' } as const;
            options?.signal?.addEventListener('abort', () => resolve(failure), { once: true });
          }),
      };
      const resolver = new CachingResolver(upstream);
      const abort = new AbortController();
      const answer = resolver.resolve('example.com', 'A', { signal: abort.signal });
      abort.abort();
      expect(await answer).toMatchObject({ reason: 'aborted' });
      expect(resolver.stats()).toMatchObject({ failures: 0, entries: 0 });
    });

    it('answers a caller who has given up already without asking, hit or not', async () => {
      const { upstream, resolver } = setUp();
      await resolver.resolve('example.com', 'A');
      const signal = AbortSignal.abort();
      expect(await resolver.resolve('example.com', 'A', { signal })).toMatchObject({ reason: 'aborted' });
      expect(await resolver.resolve('example.com', 'MX', { signal })).toMatchObject({ reason: 'aborted' });
      expect(upstream.queries.count()).toBe(1);
    });

    it('leaves no listener on a signal', async () => {
      const { resolver } = setUp();
      const { signal } = new AbortController();
      const added = vi.spyOn(signal, 'addEventListener');
      const removed = vi.spyOn(signal, 'removeEventListener');
      await Promise.all([1, 2, 3].map(() => resolver.resolve('example.com', 'A', { signal })));
      expect(added.mock.calls.length).toBe(3);
      for (const [event, listener] of added.mock.calls) expect(removed).toHaveBeenCalledWith(event, listener);
    });
  });

  describe('misuse rejects', () => {
    it('what is no question', async () => {
      const { resolver } = setUp();
      for (const question of [
        [],
        [5, 'A'],
        ['a.example', 'a'],
        ['a.example', 'A', null],
        ['a.example', 'A', { signal: 1 }],
      ]) {
        await expect(Reflect.apply(resolver.resolve, resolver, question)).rejects.toThrow(TypeError);
      }
    });

    it('of the upstream reaches every caller, and is not remembered', async () => {
      let calls = 0;
      const upstream: Resolver = {
        resolve() {
          calls++;
          throw new TypeError('a mistake');
        },
      };
      const resolver = new CachingResolver(upstream);
      const lookups = [1, 2].map(() => resolver.resolve('a.example', 'A'));
      for (const lookup of lookups) await expect(lookup).rejects.toThrow('a mistake');
      await expect(resolver.resolve('a.example', 'A')).rejects.toThrow('a mistake');
      expect(calls).toBe(2);
    });

    it.each([
      [{ maxEntries: 0 }, RangeError, 'maxEntries'],
      [{ maxBytes: '1' }, TypeError, 'maxBytes'],
      [{ minTtlMs: 2, maxTtlMs: 1 }, RangeError, 'minTtlMs'],
      [{ maxTtlMs: 8 * 86_400_000 }, RangeError, 'maxTtlMs'],
      [{ failureTtlMs: 999 }, RangeError, 'failureTtlMs'],
      [{ failureTtlMs: 300_001 }, RangeError, 'failureTtlMs'],
      [{ staleMs: 2, maxStaleMs: 1 }, RangeError, 'maxStaleMs'],
      [{ staleMs: -1 }, RangeError, 'staleMs'],
      [{ noPrefetch: 'dq.example' }, TypeError, 'noPrefetch'],
      [{ noPrefetch: ['a..b'] }, RangeError, 'noPrefetch'],
      [{ noPrefetch: ['.'] }, RangeError, 'noPrefetch'],
      [{ cache: { get() {} } }, TypeError, 'cache'],
      [{ clock: Date }, TypeError, 'clock'],
      [{ maxEntrys: 5 }, TypeError, 'maxEntrys'],
    ])('options %j', (options, error, name) => {
      const make = () => Reflect.construct(CachingResolver, [new ZoneResolver(), options]);
      expect(make).toThrow(error);
      expect(make).toThrow(`"${name}"`);
    });

    it('an upstream that is none', () => {
      for (const upstream of [undefined, {}, () => {}]) {
        expect(() => Reflect.construct(CachingResolver, [upstream])).toThrow(TypeError);
      }
    });
  });

  it('trusts no age when the clock was put back', async () => {
    const { clock, upstream, resolver } = setUp();
    await resolver.resolve('example.com', 'A');
    await resolver.resolve('broken.example.com', 'A');
    clock.set(clock.now() - 86_400_000);
    expect(await resolver.resolve('example.com', 'A')).toMatchObject({ ttl: 300 });
    await resolver.resolve('broken.example.com', 'A');
    expect(upstream.queries.count()).toBe(4);
  });
});

describe('CachingResolver is bounded', () => {
  it('in entries: what has not been asked for longest goes first', async () => {
    const upstream = new ZoneResolver({ '*.example.com': { A: '192.0.2.1' } });
    const resolver = new CachingResolver(upstream, { maxEntries: 100 });
    for (let index = 0; index < 100; index++) await resolver.resolve(`host${index}.example.com`, 'A');
    await resolver.resolve('host0.example.com', 'A');
    await resolver.resolve('host100.example.com', 'A');
    expect(resolver.stats().entries).toBe(100);
    upstream.queries.clear();
    await resolver.resolve('host0.example.com', 'A');
    expect(upstream.queries.count()).toBe(0);
    await resolver.resolve('host1.example.com', 'A');
    expect(upstream.queries.count()).toBe(1);
  });

  it('in bytes, which one long TXT record cannot break', async () => {
    const long = 'x'.repeat(60_000);
    const upstream = upstreamOf((name, type) => ({
      kind: 'records',
      records: [type === 'TXT' && name.startsWith('long') ? long : 'short'],
      ttl: 300,
      authentic: false,
    }));
    const resolver = new CachingResolver(upstream, { maxBytes: 20_000 });
    for (let index = 0; index < 200; index++) {
      await resolver.resolve(`host${index}.example.com`, 'TXT');
      expect(resolver.stats().bytes).toBeLessThanOrEqual(20_000);
    }
    const { entries } = resolver.stats();
    expect(entries).toBeGreaterThan(10);
    const answer: DnsAnswer = await resolver.resolve('long.example.com', 'TXT');
    expect(answer).toMatchObject({ records: [long] });
    expect(resolver.stats()).toMatchObject({ entries });
  });

  it('with a bound under which nothing fits', async () => {
    const { resolver } = setUp({ maxBytes: 1 });
    expect(await resolver.resolve('example.com', 'A')).toMatchObject({ kind: 'records' });
    expect(await resolver.resolve('broken.example.com', 'A')).toMatchObject({ kind: 'failure' });
    expect(resolver.stats()).toMatchObject({ entries: 0, bytes: 0 });
  });
});
