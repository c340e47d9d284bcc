import { EventEmitter } from 'node:events';
import { MemoryStore, type Store } from '@postern/core';
import { FakeClock } from '@postern/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConcurrencyLease, ConcurrencyRefusal } from './concurrency-lease.ts';
import { ConcurrencyLimiter, type ConcurrencyLimiterOptions } from './concurrency-limiter.ts';

type Outcome = ConcurrencyLease | ConcurrencyRefusal;

async function lease(limiter: ConcurrencyLimiter, client: string, trusted = false): Promise<ConcurrencyLease> {
  const outcome = await limiter.acquire({ client, trusted });
  if (!outcome.granted) throw new Error(`refused: ${outcome.limit}`);
  return outcome;
}

/** A store that answers when the test says so. */
function slowStore(inner: Store): { store: Store; answerAll: () => Promise<void> } {
  const pending: (() => void)[] = [];
  const later = <T>(answer: () => T): Promise<T> =>
    new Promise((resolve) => {
      pending.push(() => resolve(answer()));
    });
  const store: Store = {
    charge: (charges) => inner.charge(charges),
    refund: (charges) => inner.refund(charges),
    reset: (keys) => inner.reset(keys),
    acquire: (slots, leaseMs) => later(() => inner.acquire(slots, leaseMs)).then((result) => result),
    renew: (held, leaseMs) => inner.renew(held, leaseMs),
    release: (held) => inner.release(held),
    remember: (key, value, ttlMs) => inner.remember(key, value, ttlMs),
    recall: (keys) => inner.recall(keys),
    forget: (key) => inner.forget(key),
    publish: (topic, payload) => inner.publish(topic, payload),
    subscribe: (topic, listener) => inner.subscribe(topic, listener),
  };
  const answerAll = async (): Promise<void> => {
    for (const answer of pending.splice(0)) answer();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return { store, answerAll };
}

/** A store that cannot be asked. */
const brokenStore: Store = {
  charge: () => Promise.reject(new Error('down')),
  refund: () => Promise.reject(new Error('down')),
  reset: () => Promise.reject(new Error('down')),
  acquire: () => Promise.reject(new Error('down')),
  renew: () => Promise.reject(new Error('down')),
  release: () => Promise.reject(new Error('down')),
  remember: () => Promise.reject(new Error('down')),
  recall: () => Promise.reject(new Error('down')),
  forget: () => Promise.reject(new Error('down')),
  publish: () => Promise.reject(new Error('down')),
  subscribe: () => Promise.reject(new Error('down')),
};

describe('ConcurrencyLimiter', () => {
  it('counts clients, networks and all', async () => {
    const limiter = new ConcurrencyLimiter({ total: 4, perClient: 2, perNetwork: 3 });
    await lease(limiter, '192.0.2.1');
    await lease(limiter, '::ffff:192.0.2.1');
    expect(limiter.acquire({ client: '192.0.2.1' })).toEqual({
      granted: false,
      limit: 'client',
      reason: 'full',
      retryAfterMs: 30_000,
    });
    await lease(limiter, '192.0.2.2');
    expect(limiter.acquire({ client: '192.0.2.3' })).toMatchObject({ granted: false, limit: 'network' });
    await lease(limiter, '198.51.100.1');
    expect(limiter.acquire({ client: '203.0.113.1' })).toMatchObject({ granted: false, limit: 'strangers' });
  });

  it('tells how each limit fared', async () => {
    const limiter = new ConcurrencyLimiter({ total: 5, perClient: 2, perNetwork: 10, reserved: 1 });
    const leases = ['192.0.2.1', '192.0.2.1', '192.0.2.2', '198.51.100.1'].map((client) => lease(limiter, client));
    limiter.acquire({ client: '192.0.2.1' });
    limiter.acquire({ client: '203.0.113.1' });
    for (const each of leases) (await each).release();
    await lease(limiter, '10.0.0.1', true);
    expect(limiter.stats()).toEqual({
      held: 1,
      waiting: 0,
      granted: 5,
      peaks: { client: 2, network: 3, strangers: 4, total: 4 },
      nearRefusals: { client: 1, network: 0, strangers: 1, total: 1 },
      refused: { client: 1, network: 0, strangers: 1, total: 0 },
    });
  });

  it('counts an IPv6 client by its /64 and its network by the /48', async () => {
    const limiter = new ConcurrencyLimiter({ perClient: 1, perNetwork: 2 });
    await lease(limiter, '2001:db8:1:1::1');
    expect(limiter.acquire({ client: '2001:db8:1:1:ffff::2' })).toMatchObject({ limit: 'client' });
    await lease(limiter, '2001:db8:1:2::1');
    expect(limiter.acquire({ client: '2001:db8:1:3::1' })).toMatchObject({ limit: 'network' });
    await lease(limiter, '2001:db8:2:1::1');
  });

  it('takes a client without an address for one of that name', async () => {
    const limiter = new ConcurrencyLimiter({ perClient: 1 });
    await lease(limiter, '/run/postern.sock');
    expect(limiter.acquire({ client: '/run/postern.sock' })).toMatchObject({ limit: 'client' });
    await lease(limiter, '');
  });

  it('keeps the reserved slots from strangers, however many come', async () => {
    const limiter = new ConcurrencyLimiter({ total: 10, perClient: 10, perNetwork: 10, reserved: 3 });
    for (let count = 0; count < 7; count += 1) await lease(limiter, `192.0.2.${count}`);
    for (let count = 0; count < 100; count += 1) {
      expect(limiter.acquire({ client: `198.51.100.${count}` })).toMatchObject({ limit: 'strangers' });
    }
    for (let count = 0; count < 3; count += 1) await lease(limiter, '10.0.0.1', true);
    expect(limiter.acquire({ client: '10.0.0.1', trusted: true })).toMatchObject({ limit: 'total' });
  });

  it('leaves strangers their share, whatever the trusted hold', async () => {
    const limiter = new ConcurrencyLimiter({ total: 10, perClient: 10, reserved: 3 });
    for (let count = 0; count < 3; count += 1) await lease(limiter, '10.0.0.1', true);
    for (let count = 0; count < 7; count += 1) await lease(limiter, '192.0.2.1');
  });

  it('releases once, whoever does it', async () => {
    const limiter = new ConcurrencyLimiter({ total: 2 });
    const first = await lease(limiter, '192.0.2.1');
    const second = await lease(limiter, '192.0.2.1');
    first.release();
    first.release();
    first[Symbol.dispose]();
    expect(limiter.stats().held).toBe(1);
    await lease(limiter, '192.0.2.1');
    expect(limiter.acquire({ client: '192.0.2.1' })).toMatchObject({ granted: false });
    second.release();
    expect(limiter.stats().held).toBe(1);
  });

  it('releases at the end of a block, an exception included', async () => {
    const limiter = new ConcurrencyLimiter();
    await expect(async () => {
      using held = await lease(limiter, '192.0.2.1');
      expect(held.granted).toBe(true);
      throw new Error('boom');
    }).rejects.toThrow('boom');
    expect(limiter.stats().held).toBe(0);
  });

  it('releases with the socket, and at once with one that is destroyed', async () => {
    const limiter = new ConcurrencyLimiter();
    const socket = Object.assign(new EventEmitter(), { destroyed: false });
    const held = (await lease(limiter, '192.0.2.1')).releaseOn(socket);
    expect(limiter.stats().held).toBe(1);
    held.release();
    socket.emit('close');
    expect(limiter.stats().held).toBe(0);
    (await lease(limiter, '192.0.2.1')).releaseOn(Object.assign(new EventEmitter(), { destroyed: true }));
    expect(limiter.stats().held).toBe(0);
  });

  it('answers an aborted call without taking anything', () => {
    const limiter = new ConcurrencyLimiter();
    expect(limiter.acquire({ client: '192.0.2.1' }, { signal: AbortSignal.abort() })).toMatchObject({
      granted: false,
      limit: undefined,
      reason: 'aborted',
    });
    expect(limiter.stats()).toMatchObject({ held: 0, granted: 0 });
  });

  it.each<[object, string]>([
    [{ total: 0 }, 'option "total"'],
    [{ total: 2_000_000 }, 'option "total"'],
    [{ perClient: 0.5 }, 'option "perClient"'],
    [{ perNetwork: -1 }, 'option "perNetwork"'],
    [{ total: 5, reserved: 5 }, 'option "reserved"'],
    [{ maxWaiting: -1 }, 'option "maxWaiting"'],
    [{ maxWaitingPerClient: 0 }, 'option "maxWaitingPerClient"'],
    [{ leaseMs: 1 }, 'option "leaseMs"'],
    [{ store: {} }, 'option "store"'],
    [{ name: 7 }, 'option "name"'],
    [{ perHost: 1 }, 'unknown option "perHost"'],
  ])('refuses wrong options: %o', (options, message) => {
    expect(() => new ConcurrencyLimiter(options)).toThrow(message);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 31])('refuses to wait for %d ms', (waitMs) => {
    const limiter = new ConcurrencyLimiter();
    expect(() => limiter.acquire({ client: '192.0.2.1' }, { waitMs })).toThrow(RangeError);
  });
});

describe('ConcurrencyLimiter, waiting', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const options: ConcurrencyLimiterOptions = { total: 1, maxWaiting: 3, maxWaitingPerClient: 3 };

  it('gives the slot to those who wait, in their order', async () => {
    const limiter = new ConcurrencyLimiter(options);
    const first = await lease(limiter, '192.0.2.1');
    const order: string[] = [];
    const waits = ['a', 'b', 'c'].map(async (client) => {
      const outcome = await limiter.acquire({ client }, { waitMs: 1_000 });
      order.push(client);
      if (outcome.granted) outcome.release();
    });
    expect(limiter.stats().waiting).toBe(3);
    first.release();
    // Nobody comes in between.
    expect(limiter.acquire({ client: 'd' })).toMatchObject({ granted: false });
    await Promise.all(waits);
    expect(order).toEqual(['a', 'b', 'c']);
    expect(limiter.stats()).toMatchObject({ held: 0, waiting: 0 });
  });

  it('refuses at once when the line is full, in all or for the client', async () => {
    const limiter = new ConcurrencyLimiter({ total: 1, maxWaiting: 2, maxWaitingPerClient: 1 });
    await lease(limiter, '192.0.2.1');
    const waiting = limiter.acquire({ client: 'a' }, { waitMs: 1_000 });
    expect(limiter.acquire({ client: 'a' }, { waitMs: 1_000 })).toMatchObject({ reason: 'full' });
    const second = limiter.acquire({ client: 'b' }, { waitMs: 1_000 });
    expect(limiter.acquire({ client: 'c' }, { waitMs: 1_000 })).toMatchObject({ reason: 'full' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await waiting).toMatchObject({ granted: false, reason: 'waited' });
    expect(await second).toMatchObject({ granted: false, reason: 'waited' });
    expect(limiter.stats().waiting).toBe(0);
  });

  it('ends a wait at the abort, and leaves no listener', async () => {
    const limiter = new ConcurrencyLimiter(options);
    const first = await lease(limiter, '192.0.2.1');
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    const waiting = limiter.acquire({ client: 'a' }, { waitMs: 1_000, signal: controller.signal });
    controller.abort();
    expect(await waiting).toMatchObject({ granted: false, reason: 'aborted', limit: 'strangers' });
    expect(removed).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
    first.release();
    await lease(limiter, '192.0.2.1');
  });

  it('does not hold up those who wait for something else', async () => {
    const limiter = new ConcurrencyLimiter({ total: 3, perClient: 1, maxWaiting: 3 });
    const first = await lease(limiter, 'a');
    const second = limiter.acquire({ client: 'a' }, { waitMs: 1_000 });
    await lease(limiter, 'b');
    first.release();
    expect(await second).toMatchObject({ granted: true });
  });

  it('notices what another machine gives back', async () => {
    const store = new MemoryStore();
    const here = new ConcurrencyLimiter({ ...options, store });
    const there = new ConcurrencyLimiter({ ...options, store });
    const elsewhere = await lease(there, 'b');
    const waiting = here.acquire({ client: 'a' }, { waitMs: 10_000 });
    await vi.advanceTimersByTimeAsync(2_000);
    elsewhere.release();
    await vi.advanceTimersByTimeAsync(2_000);
    const outcome = await waiting;
    expect(outcome).toMatchObject({ granted: true });
    if (outcome.granted) outcome.release();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('ConcurrencyLimiter on a shared store', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('counts over all machines', async () => {
    const store = new MemoryStore();
    const machines = [1, 2, 3].map(() => new ConcurrencyLimiter({ total: 5, perClient: 5, store }));
    const outcomes: Outcome[] = [];
    for (let count = 0; count < 4; count += 1) {
      for (const machine of machines) outcomes.push(await machine.acquire({ client: '192.0.2.1' }));
    }
    expect(outcomes.filter(({ granted }) => granted)).toHaveLength(5);
    for (const outcome of outcomes) if (outcome.granted) outcome.release();
    for (const machine of machines) await lease(machine, '192.0.2.1');
    expect(machines.map((machine) => machine.stats().held)).toEqual([1, 1, 1]);
  });

  it('keeps limiters of different names apart', async () => {
    const store = new MemoryStore();
    await lease(new ConcurrencyLimiter({ total: 1, store, name: 'smtp' }), 'a');
    await lease(new ConcurrencyLimiter({ total: 1, store, name: 'imap' }), 'a');
  });

  it('renews what it holds, and nothing once it has released', async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const here = new ConcurrencyLimiter({ total: 1, store, leaseMs: 3_000 });
    const there = new ConcurrencyLimiter({ total: 1, store, leaseMs: 3_000 });
    const held = await lease(here, 'a');
    for (let count = 0; count < 10; count += 1) {
      clock.advance(1_000);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(there.acquire({ client: 'b' })).toMatchObject({ granted: false });
    held.release();
    expect(vi.getTimerCount()).toBe(0);
    await lease(there, 'b');
  });

  it('takes again what ran out while the process stood still', async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const here = new ConcurrencyLimiter({ total: 1, store, leaseMs: 3_000 });
    const there = new ConcurrencyLimiter({ total: 1, store, leaseMs: 3_000 });
    const held = await lease(here, 'a');
    clock.advance(60_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(there.acquire({ client: 'b' })).toMatchObject({ granted: false });
    held.release();
    await lease(there, 'b');
  });

  it('decides alone while the store cannot be asked', async () => {
    const limiter = new ConcurrencyLimiter({ total: 2, store: brokenStore });
    const held = await lease(limiter, 'a');
    await lease(limiter, 'a');
    expect(await limiter.acquire({ client: 'a' })).toMatchObject({ granted: false, limit: 'strangers' });
    held.release();
    await lease(limiter, 'a');
  });

  it('enters in the store what it granted alone, when the store can be asked again', async () => {
    const inner = new MemoryStore();
    let down = true;
    const store: Store = {
      ...slowStore(inner).store,
      acquire: (slots, leaseMs) => (down ? Promise.reject(new Error('down')) : inner.acquire(slots, leaseMs)),
      renew: (held, leaseMs) => inner.renew(held, leaseMs),
      release: (held) => inner.release(held),
    };
    const [here, there] = [1, 2].map(() => new ConcurrencyLimiter({ total: 1, store, leaseMs: 3_000 }));
    if (here === undefined || there === undefined) throw new Error('unreachable');
    const held = await lease(here, 'a');
    down = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await there.acquire({ client: 'b' })).toMatchObject({ granted: false });
    held.release();
    await lease(there, 'b');
  });

  it('decides alone when the store does not answer, and loses no slot by it', async () => {
    const inner = new MemoryStore();
    const { store, answerAll } = slowStore(inner);
    const limiter = new ConcurrencyLimiter({ total: 2, perClient: 2, store, maxWaiting: 1 });
    const asked = [1, 2].map(() => limiter.acquire({ client: 'a' }));
    const controller = new AbortController();
    const aborted = limiter.acquire({ client: 'a' }, { signal: controller.signal });
    controller.abort();
    expect(await aborted).toMatchObject({ granted: false });
    await vi.advanceTimersByTimeAsync(1_000);
    const [first, second] = await Promise.all(asked);
    expect([first?.granted, second?.granted]).toEqual([true, true]);
    const waiting = limiter.acquire({ client: 'b' }, { waitMs: 30_000 });
    if (first?.granted) first.release();
    await vi.advanceTimersByTimeAsync(2_000);
    const third = await waiting;
    expect(third.granted).toBe(true);
    if (third.granted) third.release();
    // What is answered at last is entered for the one who is still there, and for nobody else.
    await answerAll();
    expect(
      inner.acquire(
        [1, 2].map(() => ({ key: 'connections:total:', limit: 2 })),
        60_000,
      ).granted,
    ).toBe(false);
    if (second?.granted) second.release();
    await answerAll();
    expect(
      inner.acquire(
        [1, 2].map(() => ({ key: 'connections:total:', limit: 2 })),
        60_000,
      ).granted,
    ).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives back what a slow store grants to one who is gone', async () => {
    const inner = new MemoryStore();
    const { store, answerAll } = slowStore(inner);
    const limiter = new ConcurrencyLimiter({ total: 1, store });
    const controller = new AbortController();
    const outcome = limiter.acquire({ client: 'a' }, { signal: controller.signal });
    controller.abort();
    expect(await outcome).toMatchObject({ granted: false, reason: 'aborted' });
    await answerAll();
    expect(limiter.stats().held).toBe(0);
    expect(inner.acquire([{ key: 'connections:total:', limit: 1 }], 1_000).granted).toBe(true);
  });
});

/** What can happen to limiters that share a store, in any order. */
type Step =
  | {
      readonly kind: 'acquire';
      readonly machine: number;
      readonly client: number;
      readonly trusted: boolean;
      readonly wait: boolean;
    }
  | { readonly kind: 'release'; readonly index: number }
  | { readonly kind: 'abort'; readonly index: number }
  | { readonly kind: 'answer' }
  | { readonly kind: 'time'; readonly ms: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('acquire' as const),
        machine: fc.nat(1),
        client: fc.nat(5),
        trusted: fc.boolean(),
        wait: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('release' as const), index: fc.nat(30) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), index: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('answer' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.nat(3_000) }) },
  ),
  { maxLength: 60 },
);

describe.each(['memory', 'shared', 'slow'] as const)('leases over a %s store, whatever happens', (kind) => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are never more than the limits, and none leaks', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const inner = new MemoryStore();
        const slow = slowStore(inner);
        const shared = kind === 'slow' ? slow.store : inner;
        const limits = { total: 5, perClient: 2, perNetwork: 3, reserved: 1, maxWaiting: 4 };
        const machine = (): ConcurrencyLimiter =>
          new ConcurrencyLimiter(kind === 'memory' ? limits : { ...limits, store: shared });
        const machines = kind === 'memory' ? [machine()] : [machine(), machine()];
        const held: { client: number; trusted: boolean; lease: ConcurrencyLease; released: boolean }[] = [];
        const controllers: AbortController[] = [];
        const outcomes: Promise<void>[] = [];
        const check = (): void => {
          const live = held.filter(({ released }) => !released);
          expect(live.length).toBeLessThanOrEqual(limits.total);
          const strangers = live.filter(({ trusted }) => !trusted);
          expect(strangers.length).toBeLessThanOrEqual(limits.total - limits.reserved);
          for (let client = 0; client < 6; client += 1) {
            expect(strangers.filter((each) => each.client === client).length).toBeLessThanOrEqual(limits.perClient);
          }
          for (const parity of [0, 1]) {
            const network = strangers.filter(({ client }) => client % 2 === parity);
            expect(network.length).toBeLessThanOrEqual(limits.perNetwork);
          }
        };
        for (const step of script) {
          if (step.kind === 'acquire') {
            const limiter = machines[step.machine % machines.length];
            const { client, trusted } = step;
            const controller = new AbortController();
            controllers.push(controller);
            const address = `192.0.${client % 2}.${client}`;
            const asked = limiter?.acquire(
              { client: address, trusted },
              { signal: controller.signal, waitMs: step.wait ? 1_000 : 0 },
            );
            outcomes.push(
              Promise.resolve(asked).then((outcome) => {
                if (outcome?.granted) held.push({ client, trusted, lease: outcome, released: false });
                check();
              }),
            );
          } else if (step.kind === 'release') {
            const each = held[step.index % Math.max(1, held.length)];
            if (each !== undefined) {
              each.lease.release();
              each.released = true;
            }
          } else if (step.kind === 'abort') {
            controllers[step.index % Math.max(1, controllers.length)]?.abort();
          } else if (step.kind === 'answer') {
            await slow.answerAll();
          } else {
            // Slow, and not so slow that it counts as one that cannot be asked.
            for (let left = step.ms; left > 0; left -= 900) {
              await slow.answerAll();
              await vi.advanceTimersByTimeAsync(Math.min(900, left));
            }
          }
          check();
        }
        for (let round = 0; round < 20; round += 1) {
          await slow.answerAll();
          await vi.advanceTimersByTimeAsync(900);
        }
        await Promise.all(outcomes);
        for (const each of held) {
          each.lease.release();
          each.released = true;
        }
        await slow.answerAll();
        expect(machines.map((each) => each.stats())).toEqual(
          machines.map(() => expect.objectContaining({ held: 0, waiting: 0 })),
        );
        expect(vi.getTimerCount()).toBe(0);
        // Every slot is there again.
        if (kind !== 'memory') {
          const all = [1, 2, 3, 4, 5].map(() => ({ key: 'connections:total:', limit: 5 }));
          expect(inner.acquire(all, 1_000).granted).toBe(true);
        }
      }),
    );
  });
});
