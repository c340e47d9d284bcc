import { MemoryStore } from '@postern/core';
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

  it('gives the answers of a MemoryStore, whatever is charged', async () => {
    const whole = (max: number) => fc.integer({ min: 1, max });
    const limit = fc.record({
      algorithm: fc.constantFrom('gcra' as const, 'fixed' as const, 'sliding' as const),
      count: whole(20),
      perMs: fc.constantFrom(100, 1_000, 60_000),
      burst: whole(20),
    });
    const charge = fc.record({ index: fc.nat(2), cost: fc.integer({ min: 0, max: 6 }) });
    const step = fc.record({
      drawn: fc.array(charge, { minLength: 0, maxLength: 4 }),
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
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { minLength: 1, maxLength: 20 }), async (three, steps) => {
        const clock = new FakeClock();
        const memory = new MemoryStore({ clock });
        const shared = new RedisStore(io, { ...patient, clock, prefix: `d${Math.random()}` });
        try {
          for (const { drawn, waitMs, kind } of steps) {
            const charges = drawn.map(({ index, cost }) => ({
              ...(three[index] ?? three[0]),
              key: `key ${index}`,
              cost,
            }));
            clock.advance(waitMs);
            if (kind === 'refund') {
              memory.refund(charges);
              await shared.refund(charges);
            } else if (kind === 'reset') {
              memory.reset(charges.map(({ key }) => key));
              await shared.reset(charges.map(({ key }) => key));
            } else {
              expect(await shared.charge(charges)).toEqual(memory.charge(charges));
            }
          }
        } finally {
          shared.close();
        }
      }),
      { numRuns: 100 },
    );
  });
});
