import { type Charge, type ChargeResult, MemoryStore, type Store } from '@postern/core';
import { RedisStore } from '@postern/redis';
import { FakeClock, storeContract } from '@postern/testing';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from './real-server.ts';
import { RedisServer, redisCli, redisServer } from './redis-server.ts';

/** No test here is about slowness: a busy machine must not look like a Redis that is away. */
const patient = { timeoutMs: 10_000 };

describeWith([redisServer, redisCli], 'RedisStore', () => {
  let server: RedisServer;
  let io: Redis;
  let node: ReturnType<typeof createClient>;

  beforeAll(async () => {
    server = await RedisServer.start();
    io = new Redis(server.port, '127.0.0.1');
    node = createClient({ socket: { port: server.port, host: '127.0.0.1' } });
    await node.connect();
  });

  afterAll(async () => {
    io?.disconnect();
    node?.destroy();
    await server?.close();
  });

  describe('keeps the contract of Store', () => {
    const start = () => {
      const clock = new FakeClock();
      const store = new RedisStore(io, { ...patient, clock });
      const other = new RedisStore(node, { ...patient, clock });
      const close = (): void => {
        store.close();
        other.close();
      };
      return { store, other, now: () => clock.now(), advance: (ms: number) => clock.advance(ms), close };
    };
    for (const { name, run } of storeContract('ioredis and node-redis', start)) it(name, run);
  });

  it('takes 1,000 charges in one call, and no more', async () => {
    const store = new RedisStore(io, { ...patient, prefix: 'many' });
    for (const algorithm of ['gcra', 'sliding'] as const) {
      const all = Array.from({ length: 1_000 }, (_, n) => {
        const charge = { key: `key ${n}`, cost: 1, count: 5, perMs: 3_600_000 };
        return algorithm === 'gcra' ? { ...charge, algorithm, burst: 5 } : { ...charge, algorithm };
      });
      expect((await store.charge(all)).states.map(({ remaining }) => remaining)).toEqual(all.map(() => 4));
      await store.refund(all);
      const [first] = (await store.charge(all)).states;
      expect(first?.remaining).toBeCloseTo(4);
      expect(() => store.charge([...all, ...all.slice(0, 1)])).toThrow(RangeError);
    }
    store.close();
  });

  describe('gives the answers of a MemoryStore', () => {
    const whole = (max: number) => fc.integer({ min: 1, max });
    const charge = fc.record({ index: fc.nat(2), cost: fc.integer({ min: 0, max: 6 }) });
    const decision = fc.array(charge, { minLength: 0, maxLength: 4 });

    async function chargeAll(store: Store, decisions: readonly (readonly Charge[])[]): Promise<ChargeResult[]> {
      return await Promise.all(decisions.map(async (charges) => await store.charge(charges)));
    }

    function holds(algorithms: readonly Charge['algorithm'][]): () => Promise<void> {
      const limit = fc.record({
        algorithm: fc.constantFrom(...algorithms),
        count: whole(20),
        perMs: fc.constantFrom(100, 1_000, 60_000),
        burst: whole(20),
      });
      const step = fc.record({
        // Those that are asked for at once go to Redis together.
        decisions: fc.array(decision, { minLength: 1, maxLength: 3 }),
        waitMs: fc.integer({ min: 0, max: 2_000 }),
        kind: fc.constantFrom(
          'charge' as const,
          'charge' as const,
          'charge' as const,
          'refund' as const,
          'reset' as const,
        ),
      });
      const limits = fc.tuple(limit, limit, limit);
      return () =>
        fc.assert(
          fc.asyncProperty(limits, fc.array(step, { minLength: 1, maxLength: 20 }), async (three, steps) => {
            const clock = new FakeClock();
            const memory = new MemoryStore({ clock });
            const shared = new RedisStore(io, { ...patient, clock, prefix: `d${Math.random()}` });
            try {
              for (const { decisions, waitMs, kind } of steps) {
                const drawn = decisions.map((charges) =>
                  charges.map(
                    ({ index, cost }): Charge => ({ ...(three[index] ?? three[0]), key: `key ${index}`, cost }),
                  ),
                );
                clock.advance(waitMs);
                if (kind === 'charge') {
                  expect(await chargeAll(shared, drawn)).toEqual(await chargeAll(memory, drawn));
                  continue;
                }
                const charges = drawn.flat();
                for (const store of [memory, shared]) {
                  if (kind === 'refund') await store.refund(charges);
                  else await store.reset(charges.map(({ key }) => key));
                }
              }
            } finally {
              shared.close();
            }
          }),
          { numRuns: 60 },
        );
    }

    it('whatever is charged', holds(['gcra', 'fixed', 'sliding']));
    it('of GCRA alone', holds(['gcra']));

    it('by its own clock', async () => {
      // So slow that nothing comes back during the test.
      const limit = { algorithm: 'gcra', count: 1, perMs: 86_400_000, burst: 20 } as const;
      const rounded = (results: readonly ChargeResult[]) =>
        results.map(({ allowed, states }) => [allowed, ...states.map(({ remaining }) => Math.round(remaining))]);
      await fc.assert(
        fc.asyncProperty(fc.array(decision, { minLength: 1, maxLength: 12 }), async (decisions) => {
          const memory = new MemoryStore();
          const shared = new RedisStore(io, { ...patient, prefix: `d${Math.random()}` });
          try {
            for (const drawn of decisions) {
              const charges = drawn.map(({ index, cost }): Charge => ({ ...limit, key: `key ${index}`, cost }));
              const [one, other] = [await chargeAll(shared, [charges]), await chargeAll(memory, [charges])];
              expect(rounded(one)).toEqual(rounded(other));
            }
          } finally {
            shared.close();
          }
        }),
        { numRuns: 40 },
      );
    });
  });
});
