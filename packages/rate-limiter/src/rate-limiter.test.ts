import { tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { type Charge, isPending, MemoryStore, parseIp, type Store } from '@postern/core';
import { FakeClock } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateLimitOptions } from './rate-limit.ts';
import { RateLimiter, type RateLimiterOptions, type RateResult } from './rate-limiter.ts';
import type { RateSubject } from './rate-subject.ts';

const perClient: RateLimitOptions = { name: 'client', per: 'client', count: 3, perMs: 60_000 };
const perUser: RateLimitOptions = { name: 'user', per: 'user', count: 2, perMs: 60_000, algorithm: 'fixed' };

function now(value: RateResult | Promise<RateResult>): RateResult {
  if (isPending(value)) throw new Error('must be there at once');
  return value;
}

/** A memory store that answers later. */
function laterStore(store: MemoryStore): Store & { readonly calls: string[] } {
  const calls: string[] = [];
  const later = <A extends readonly unknown[], R>(name: string, call: (...args: A) => R) => {
    return async (...args: A): Promise<R> => {
      calls.push(name);
      await new Promise((resolve) => setImmediate(resolve));
      return call(...args);
    };
  };
  return {
    calls,
    charge: later('charge', (charges: readonly Charge[]) => store.charge(charges)),
    refund: later('refund', (charges: readonly Charge[]) => store.refund(charges)),
    reset: later('reset', (keys: readonly string[]) => store.reset(keys)),
    acquire: store.acquire.bind(store),
    renew: store.renew.bind(store),
    release: store.release.bind(store),
    remember: store.remember.bind(store),
    recall: store.recall.bind(store),
    forget: store.forget.bind(store),
    publish: store.publish.bind(store),
    subscribe: store.subscribe.bind(store),
  };
}

describe('RateLimiter', () => {
  it('charges all limits or none, and names the one that refuses or has least left', () => {
    const limiter = new RateLimiter({ limits: [perClient, perUser], clock: new FakeClock() });
    const alice = { client: '192.0.2.1', user: 'alice' };
    expect(limiter.consume(alice)).toEqual({ allowed: true, limit: 'user', remaining: 1, retryAfterMs: 0 });
    expect(limiter.consume(alice)).toEqual({ allowed: true, limit: 'user', remaining: 0, retryAfterMs: 0 });
    expect(limiter.consume(alice)).toEqual({ allowed: false, limit: 'user', remaining: 0, retryAfterMs: 60_000 });
    // What the user's limit refused was not charged to the client.
    expect(limiter.peek({ client: '192.0.2.1' })).toMatchObject({ limit: 'client', remaining: 1 });
    expect(limiter.consume({ client: '192.0.2.1', user: 'bob' })).toMatchObject({ allowed: true, limit: 'client' });
    expect(limiter.consume({ client: '192.0.2.1', user: 'carol' })).toEqual({
      allowed: false,
      limit: 'client',
      remaining: 0,
      retryAfterMs: 20_000,
    });
  });

  it('names the limit to wait for longest when several refuse', () => {
    const limiter = new RateLimiter({ limits: [perClient, perUser], clock: new FakeClock() });
    expect(limiter.consume({ client: '192.0.2.1', user: 'a' }, { cost: 3 })).toMatchObject({
      allowed: false,
      limit: 'user',
      retryAfterMs: Number.POSITIVE_INFINITY,
    });
    expect(limiter.peek({ client: '192.0.2.1', user: 'a' }, { cost: 3 })).toMatchObject({ limit: 'user' });
  });

  it('counts IPv4 whole, IPv6 by its /64, IPv4-mapped as IPv4, and networks', () => {
    const narrow = { ...perClient, count: 1 };
    const site = { ...perClient, name: 'site', count: 2, ipv4PrefixLength: 24, ipv6PrefixLength: 48 };
    const limiter = new RateLimiter({ limits: [narrow, site] });
    const allowed = (client: RateSubject['client']): boolean => now(limiter.consume({ client })).allowed;
    expect(allowed('192.0.2.1')).toBe(true);
    expect(allowed('::ffff:192.0.2.1')).toBe(false);
    // Behind a translator each IPv4 address is a client of its own (RFC 6052).
    expect(allowed('64:ff9b::192.0.2.1')).toBe(true);
    expect(allowed('64:ff9b::192.0.2.2')).toBe(true);
    expect(allowed('64:ff9b::192.0.2.1')).toBe(false);
    expect(allowed('::FFFF:c000:0201')).toBe(false);
    expect(allowed(parseIp('192.0.2.1'))).toBe(false);
    expect(allowed('192.0.2.2')).toBe(true);
    expect(now(limiter.consume('192.0.2.3')).limit).toBe('site');
    expect(allowed('192.0.3.3')).toBe(true);
    expect(allowed('2001:db8:0:1::1')).toBe(true);
    expect(allowed('2001:DB8:0:1:ffff::2')).toBe(false);
    expect(allowed('2001:db8:0:2::1')).toBe(true);
    expect(now(limiter.consume('2001:db8:0:3::1')).limit).toBe('site');
    // What is no address is a client of that name.
    expect(allowed('/run/lmtp.sock')).toBe(true);
    expect(allowed('/run/lmtp.sock')).toBe(false);
  });

  it('counts other keys in one spelling, names by a function, and everybody together', () => {
    const one = (per: RateLimitOptions['per']): RateLimiter =>
      new RateLimiter({ limits: [{ name: 'x', per, count: 1, perMs: 1_000 }], clock: new FakeClock() });
    const same = (per: RateLimitOptions['per'], first: RateSubject, second: RateSubject): boolean => {
      const limiter = one(per);
      expect(now(limiter.consume(first)).allowed).toBe(true);
      return !now(limiter.consume(second)).allowed;
    };
    expect(same('user', { user: 'Alice' }, { user: 'alice' })).toBe(true);
    expect(same('user', { user: 'ﬁona' }, { user: 'fiona' })).toBe(true);
    expect(same('user', { user: 'alice' }, { user: 'alice ' })).toBe(false);
    expect(same('senderDomain', { senderDomain: 'Bücher.example' }, { senderDomain: 'xn--bcher-kva.EXAMPLE.' })).toBe(
      true,
    );
    expect(same('recipient', { recipient: 'Bob@Bücher.example' }, { recipient: 'bob@xn--bcher-kva.example' })).toBe(
      true,
    );
    expect(same('recipient', { recipient: 'postmaster' }, { recipient: 'Postmaster' })).toBe(true);
    expect(same('tenant', { tenant: 'a' }, { tenant: 'A' })).toBe(false);
    expect(same('total', { client: '192.0.2.1' }, { client: '192.0.2.2' })).toBe(true);
    expect(same(({ client }) => `AS of ${String(client)[0]}`, { client: '192.0.2.1' }, { client: '1.2.3.4' })).toBe(
      true,
    );
  });

  it('leaves out limits whose key is absent, and refuses calls that cannot be meant', () => {
    const limiter = new RateLimiter({ limits: [perUser, { ...perUser, name: 'domain', per: 'senderDomain' }] });
    expect(limiter.consume({ user: undefined })).toEqual({
      allowed: true,
      limit: undefined,
      remaining: Number.POSITIVE_INFINITY,
      retryAfterMs: 0,
    });
    expect(limiter.consume({ client: '192.0.2.1', user: 'a' })).toMatchObject({ limit: 'user' });
    expect(() => limiter.consume({ client: '192.0.2.1' })).toThrow('none of the keys');
    expect(() => limiter.consume({ user: 'a', usr: 'a' })).toThrow('unknown key "usr"');
    expect(() => limiter.consume('a')).toThrow(TypeError);
    // @ts-expect-error: not a text
    expect(() => limiter.consume({ user: 7 })).toThrow(TypeError);
    // @ts-expect-error: nothing
    expect(() => limiter.consume(undefined)).toThrow(TypeError);
    const byFunction = new RateLimiter({ limits: [{ ...perUser, per: () => undefined }] });
    expect(byFunction.consume({ anything: 'a' })).toMatchObject({ allowed: true, limit: undefined });
    // @ts-expect-error: not a text
    expect(() => new RateLimiter({ limits: [{ ...perUser, per: () => 7 }] }).consume({})).toThrow(TypeError);
  });

  it.each(['consume', 'peek', 'refund'] as const)('%s takes whole costs ≥ 0 only', (call) => {
    const limiter = new RateLimiter({ limits: [perClient] });
    for (const cost of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => limiter[call]('192.0.2.1', { cost })).toThrow(RangeError);
    }
    // @ts-expect-error: not a number
    expect(() => limiter[call]('192.0.2.1', { cost: '1' })).toThrow('"cost"');
    // @ts-expect-error: not an option
    expect(() => limiter[call]('192.0.2.1', { costs: 1 })).toThrow('"costs"');
    expect(limiter.peek('192.0.2.1')).toMatchObject({ remaining: 3 });
  });

  it('checks its options and names the field', () => {
    const make = (values: object, more: Partial<RateLimiterOptions> = {}): (() => RateLimiter) => {
      return () => new RateLimiter({ limits: [{ ...perClient, ...values }], ...more });
    };
    for (const count of [0, -1, 0.5, Number.NaN, 1e13]) expect(make({ count })).toThrow(/limits\[0\].*"count"/);
    for (const perMs of [0, -1, 0.5, Number.POSITIVE_INFINITY, 1e11]) expect(make({ perMs })).toThrow('"perMs"');
    for (const burst of [0, -1, 0.5, Number.NaN]) expect(make({ burst })).toThrow('"burst"');
    expect(make({ count: undefined })).toThrow(TypeError);
    expect(make({ burst: 3, algorithm: 'fixed' })).toThrow('unknown option "burst"');
    expect(make({ per: 'user', ipv6PrefixLength: 48 })).toThrow('unknown option "ipv6PrefixLength"');
    expect(make({ ipv4PrefixLength: 33 })).toThrow('"ipv4PrefixLength"');
    expect(make({ algorithm: 'leaky' })).toThrow('"algorithm"');
    for (const name of ['', 'a:b', 'a\n', 'x'.repeat(65)]) expect(make({ name })).toThrow('"name"');
    expect(make({ name: 7 })).toThrow(TypeError);
    for (const per of ['', 7, undefined]) expect(make({ per })).toThrow('"per"');
    expect(make({ limit: 1 })).toThrow('unknown option "limit"');
    expect(make({}, { maxKeys: 0 })).toThrow(RangeError);
    // Fewer places than a call has keys: every call would be refused.
    const limits = ['client', 'user'].map((per) => ({ name: per, per, count: 1, perMs: 1_000 }));
    expect(() => new RateLimiter({ limits, maxKeys: 1 })).toThrow('option "maxKeys" must be at least 2');
    const least = new RateLimiter({ limits, maxKeys: 2 });
    expect(least.consume({ client: 'a', user: 'b' })).toMatchObject({ allowed: true });
    expect(make({}, { maxKeys: 10, store: new MemoryStore() })).toThrow('"maxKeys"');
    expect(() => new RateLimiter({ limits: [] })).toThrow('"limits"');
    expect(() => new RateLimiter({ limits: [perClient, perClient] })).toThrow('different names');
    // @ts-expect-error: required
    expect(() => new RateLimiter({})).toThrow(TypeError);
    // @ts-expect-error: not a limit
    expect(() => new RateLimiter({ limits: [undefined] })).toThrow(TypeError);
  });

  it('peeks without charging, refunds and resets', () => {
    const clock = new FakeClock();
    for (const store of [undefined, new MemoryStore({ clock })]) {
      const limiter = new RateLimiter({ limits: [perClient, perUser], clock, ...(store && { store }) });
      const alice = { client: '192.0.2.1', user: 'alice' };
      limiter.consume(alice, { cost: 2 });
      for (let times = 0; times < 3; times++) {
        expect(limiter.peek(alice, { cost: 0 })).toMatchObject({ allowed: true, limit: 'user', remaining: 0 });
        expect(limiter.peek(alice)).toEqual(limiter.consume(alice));
      }
      limiter.refund(alice);
      expect(limiter.peek(alice)).toEqual({ allowed: true, limit: 'user', remaining: 1, retryAfterMs: 0 });
      limiter.refund(alice, { cost: 10 });
      expect(limiter.peek(alice)).toMatchObject({ remaining: 2 });
      limiter.consume(alice, { cost: 2 });
      limiter.reset({ user: 'ALICE' });
      expect(limiter.peek(alice)).toMatchObject({ limit: 'client', remaining: 1 });
    }
  });

  it('tells through peek what consume then does, whatever happened before', () => {
    const step = fc.record({ cost: fc.nat(5), afterMs: fc.integer({ min: -30_000, max: 30_000 }), user: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const clock = new FakeClock();
        const sliding: RateLimitOptions = { ...perUser, name: 'sliding', count: 4, algorithm: 'sliding' };
        const limiter = new RateLimiter({ limits: [{ ...perClient, burst: 5 }, perUser, sliding], clock });
        for (const { cost, afterMs, user } of steps) {
          clock.set(clock.now() + afterMs);
          const subject = { client: '192.0.2.1', user: user ? 'alice' : undefined };
          const peeked = now(limiter.peek(subject, { cost }));
          const result = now(limiter.consume(subject, { cost }));
          expect(result.allowed).toBe(peeked.allowed);
          if (!result.allowed) expect(result).toEqual(peeked);
          else expect(result.remaining).toBe(peeked.remaining - cost);
        }
      }),
    );
  });

  it('counts what an operator needs to set the numbers better', () => {
    const limiter = new RateLimiter({ limits: [{ ...perClient, count: 10 }, perUser], clock: new FakeClock() });
    for (let times = 0; times < 3; times++) limiter.consume({ client: '192.0.2.1', user: 'a' });
    limiter.consume({ client: '192.0.2.1' }, { cost: 6 });
    limiter.peek({ client: '192.0.2.1' }, { cost: 6 });
    limiter.consume({ client: '192.0.2.1' }, { cost: 0 });
    const expected = [
      { name: 'client', allowed: 3, nearRefusals: 1, refusals: 0, peak: 0.8 },
      { name: 'user', allowed: 2, nearRefusals: 1, refusals: 1, peak: 1 },
    ];
    expect(limiter.stats({ reset: true })).toEqual(expected);
    expect(limiter.stats()).toEqual(
      expected.map(({ name }) => ({ name, allowed: 0, nearRefusals: 0, refusals: 0, peak: 0 })),
    );
    // @ts-expect-error: not an option
    expect(() => limiter.stats({ clear: true })).toThrow(TypeError);
  });

  describe('with a store', () => {
    it('counts together with others of the same name, in one call', async () => {
      const store = laterStore(new MemoryStore({ clock: new FakeClock() }));
      const limiters = [1, 2].map(() => new RateLimiter({ limits: [perClient, perUser], store }));
      const other = new RateLimiter({ limits: [perClient, perUser], store, name: 'other' });
      const alice = { client: '192.0.2.1', user: 'alice' };
      const results = await Promise.all([...limiters, ...limiters].map((limiter) => limiter.consume(alice)));
      expect(results.filter(({ allowed }) => allowed).length).toBe(2);
      expect(store.calls.length).toBe(4);
      expect(await limiters[0]?.peek(alice)).toMatchObject({ allowed: false, limit: 'user' });
      expect(await other.peek(alice, { cost: 2 })).toMatchObject({ allowed: true, remaining: 2 });
      await limiters[0]?.refund(alice);
      expect(await limiters[1]?.consume(alice)).toMatchObject({ allowed: true });
      await limiters[1]?.reset(alice);
      expect(await limiters[0]?.peek(alice, { cost: 2 })).toMatchObject({ allowed: true, remaining: 2 });
    });

    it('takes nothing when room comes free between the two questions of a peek', async () => {
      const clock = new FakeClock();
      const store = laterStore(new MemoryStore({ clock }));
      const limiter = new RateLimiter({ limits: [perClient], store });
      await limiter.consume('192.0.2.1', { cost: 3 });
      const peeked = limiter.peek('192.0.2.1');
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(20_000);
      expect(await peeked).toEqual({ allowed: true, limit: 'client', remaining: 1, retryAfterMs: 0 });
      expect(await limiter.consume('192.0.2.1')).toMatchObject({ allowed: true });
    });

    it('ends the wait when the signal fires, and keeps the charge', async () => {
      const clock = new FakeClock();
      const memory = new MemoryStore({ clock });
      const limiter = new RateLimiter({ limits: [perClient], store: laterStore(memory) });
      const controller = new AbortController();
      const reason = new Error('gone');
      const pending = limiter.consume('192.0.2.1', { signal: controller.signal });
      controller.abort(reason);
      await expect(pending).rejects.toBe(reason);
      expect(() => limiter.consume('192.0.2.1', { signal: controller.signal })).toThrow(reason);
      await new Promise((resolve) => setImmediate(resolve));
      expect(await limiter.peek('192.0.2.1')).toMatchObject({ remaining: 2 });
    });

    it('rejects with what the store rejects with', async () => {
      const store: Store = { ...laterStore(new MemoryStore()), charge: () => Promise.reject(new Error('down')) };
      const limiter = new RateLimiter({ limits: [perClient], store });
      await expect(limiter.consume('192.0.2.1')).rejects.toThrow('down');
      expect(limiter.stats()[0]).toMatchObject({ allowed: 0, refusals: 0 });
    });
  });

  it('tells subscribers of the diagnostics channel about each call', async () => {
    const seen: [string, unknown][] = [];
    const channel = tracingChannel('postern.rate-limiter.consume');
    const listen = (name: string) => (message: unknown) => void seen.push([name, structuredClone(message)]);
    const listeners = {
      start: listen('start'),
      end: listen('end'),
      asyncEnd: listen('asyncEnd'),
      error: listen('error'),
    };
    channel.subscribe({ ...listeners, asyncStart: () => {} });
    const result = { allowed: true, limit: 'client', remaining: 2, retryAfterMs: 0 };
    try {
      const clock = new FakeClock();
      expect(new RateLimiter({ limits: [perClient], clock }).consume('192.0.2.1')).toEqual(result);
      const store = laterStore(new MemoryStore({ clock }));
      await new RateLimiter({ limits: [perClient], store }).consume({ client: '192.0.2.1' });
      const down: Store = { ...store, charge: () => Promise.reject(new Error('down')) };
      await expect(new RateLimiter({ limits: [perClient], store: down }).consume('192.0.2.1')).rejects.toThrow('down');
    } finally {
      for (const [name, listener] of Object.entries(listeners)) {
        unsubscribe(`tracing:postern.rate-limiter.consume:${name}`, listener);
      }
    }
    expect(seen.map(([name]) => name)).toEqual([
      'start',
      'end',
      'start',
      'end',
      'asyncEnd',
      'start',
      'end',
      'error',
      'asyncEnd',
    ]);
    expect(seen[1]?.[1]).toEqual({ subject: '192.0.2.1', cost: 1, result });
    expect(seen[4]?.[1]).toEqual({ subject: { client: '192.0.2.1' }, cost: 1, result });
  });

  it('lets no abuser get free in a flood of 5,000,000 keys, in fixed memory', () => {
    const clock = new FakeClock();
    const limits = [{ name: 'guesses', per: 'key', count: 10, perMs: 3_600_000 }];
    const limiter = new RateLimiter({ limits, clock, maxKeys: 50_000 });
    const abusers = Array.from({ length: 1_000 }, (_, index) => `abuser ${index}`);
    for (const abuser of abusers) limiter.consume(abuser, { cost: 10 });
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 5_000_000; index++) limiter.consume(`flood ${index}`);
    const grown = process.memoryUsage().arrayBuffers - before;
    // The table of 50,000 places of 62 bytes, its growth by doubling included.
    expect(grown).toBeLessThan(8_000_000);
    expect(abusers.filter((abuser) => now(limiter.consume(abuser)).allowed)).toEqual([]);
    // Nor when it is they who are at their limits: 49,000 of them have place, and new ones are refused then.
    const later = Array.from({ length: 60_000 }, (_, index) => `later ${index}`);
    const used = later.filter((key) => now(limiter.consume(key, { cost: 10 })).allowed);
    expect(used.length).toBeLessThanOrEqual(49_000);
    expect(used.length).toBeGreaterThan(40_000);
    expect([...abusers, ...used].filter((key) => now(limiter.consume(key)).allowed)).toEqual([]);
  }, 120_000);
});
