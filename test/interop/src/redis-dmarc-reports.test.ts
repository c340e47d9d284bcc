import type { Store } from '@postern/core';
import { RedisStore } from '@postern/redis';
import {
  AggregateCollector,
  type AggregateRecord,
  type DueReport,
  type SendReportsOptions,
  sendDueReports,
} from '@postern/spf-dmarc/reports';
import { FakeClock, ZoneResolver } from '@postern/testing';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWith } from './real-server.ts';
import { RedisServer, redisCli, redisServer } from './redis-server.ts';

/** No test here is about slowness: a busy machine must not look like a Redis that is away. */
const patient = { timeoutMs: 10_000 };
const DAY_MS = 86_400_000;

function recordOf(domain: string, sourceIp: string): AggregateRecord {
  const address = `dmarc@${domain}`;
  return {
    policy: { domain, p: 'reject' },
    rua: [{ uri: `mailto:${address}`, address, domain }],
    message: {
      sourceIp,
      disposition: 'none',
      dkim: 'pass',
      spf: 'fail',
      reasons: [],
      headerFrom: domain,
      dkimResults: [],
      spfResults: [],
    },
  };
}

describeWith([redisServer, redisCli], 'DMARC reports of several machines over Redis', () => {
  let server: RedisServer;
  let io: Redis;
  let node: ReturnType<typeof createClient>;
  let clock: FakeClock;
  let delivered: DueReport[];
  const stores: RedisStore[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
    io = new Redis(server.port, '127.0.0.1');
    node = createClient({ socket: { port: server.port, host: '127.0.0.1' } });
    await node.connect();
  });

  beforeEach(async () => {
    await server.command('FLUSHALL');
    clock = new FakeClock(Date.UTC(2026, 10, 22, 12));
    delivered = [];
  });

  afterAll(async () => {
    for (const store of stores) store.close();
    io?.disconnect();
    node?.destroy();
    await server?.close();
  });

  /** A machine of its own: it shares nothing with the others but Redis. */
  function machine(client: Redis | ReturnType<typeof createClient> = io): RedisStore {
    const store = new RedisStore(client, { ...patient, clock });
    stores.push(store);
    return store;
  }

  const deliver = async (due: DueReport): Promise<'delivered'> => {
    // While one is at it, the others have their turn.
    await new Promise((resolve) => setImmediate(resolve));
    delivered.push(due);
    return 'delivered';
  };

  function send(store: Store, options: Partial<SendReportsOptions> = {}) {
    return sendDueReports(store, {
      reporter: { orgName: 'Example Net', email: 'dmarc@example.net' },
      resolver: new ZoneResolver({}),
      clock,
      maxAgeDays: 1,
      deliver,
      ...options,
    });
  }

  it('counts every message once, and sends no report twice', async () => {
    const domains = Array.from({ length: 12 }, (_, index) => `d${index}.example`);
    const collectors = [machine(io), machine(node)].map((store) => new AggregateCollector({ store, clock }));
    const counted = new Map<string, number>();
    for (let round = 0; round < 5; round++) {
      for (const [which, collector] of collectors.entries()) {
        for (const [index, domain] of domains.entries()) {
          // Not all domains on both machines, nor in each round; some rows on both.
          if ((index + round) % 3 === which) continue;
          for (const sourceIp of ['192.0.2.1', `192.0.2.${10 + which}`]) {
            expect(collector.record(recordOf(domain, sourceIp))).toBe(true);
            counted.set(domain, (counted.get(domain) ?? 0) + 1);
          }
        }
      }
      const flushed = await Promise.all(collectors.map((collector) => collector.flush()));
      expect(flushed).toMatchObject([{ ok: true }, { ok: true }]);
    }
    await Promise.all(collectors.map((collector) => collector.close()));
    clock.advance(DAY_MS);

    const days = await Promise.all([machine(io), machine(node), machine(io)].map((store) => send(store)));
    for (const [day] of days) expect(['done', 'busy']).toContain(day?.status);
    expect(days.flat().map(({ dropped, missing }) => dropped + missing)).toEqual([0, 0, 0]);
    const sums = delivered.map(({ report: { policy, rows } }) => {
      return [policy.domain, rows.reduce((sum, { count }) => sum + count, 0)] as const;
    });
    expect(sums).toHaveLength(domains.length);
    expect(new Map(sums)).toEqual(counted);
    const [first] = delivered.filter(({ report }) => report.policy.domain === 'd0.example');
    expect(first?.report.rows.map(({ sourceIp }) => sourceIp).toSorted()).toEqual([
      '192.0.2.1',
      '192.0.2.10',
      '192.0.2.11',
    ]);
    expect(first?.report.metadata.errors).toEqual([]);

    expect(await send(machine(node))).toMatchObject([{ status: 'done', reports: [] }]);
    expect(delivered).toHaveLength(domains.length);
  });

  it('goes on where a machine stopped, when its lease has run out', async () => {
    const collector = new AggregateCollector({ store: machine(), clock });
    for (const name of ['a', 'b', 'c']) collector.record(recordOf(`${name}.example`, '192.0.2.1'));
    await collector.close();
    clock.advance(DAY_MS);

    const gone = new AbortController();
    let atSecond = false;
    const first = send(machine(), {
      concurrency: 1,
      signal: gone.signal,
      deliver: (due) => {
        if (delivered.length === 0) return deliver(due);
        atSecond = true;
        return new Promise(() => {});
      },
    });
    await expect.poll(() => atSecond, { timeout: 30_000 }).toBe(true);
    const other = machine(node);
    expect(await send(other)).toMatchObject([{ status: 'busy' }]);
    clock.advance(300_001);
    expect(await send(other)).toMatchObject([{ status: 'done' }]);
    gone.abort();
    expect(await first).toMatchObject([{ status: 'stopped' }]);
    expect(delivered.map(({ report }) => report.policy.domain).toSorted()).toEqual([
      'a.example',
      'b.example',
      'c.example',
    ]);
  });

  it('has all of a day when Redis lost it within a quarter of an hour after its end', async () => {
    const collectors = [machine(io), machine(node)].map((store) => new AggregateCollector({ store, clock }));
    for (const collector of collectors) {
      collector.record(recordOf('example.com', '192.0.2.1'));
      expect(await collector.flush()).toMatchObject({ ok: true });
    }
    await server.command('FLUSHALL');
    clock.set(Date.UTC(2026, 10, 23, 0, 1));
    await Promise.all(collectors.map((collector) => collector.flush()));
    clock.set(Date.UTC(2026, 10, 23, 0, 30));
    expect(await send(machine())).toMatchObject([{ status: 'done', reports: [{ messages: 2, missing: 0 }] }]);
    await Promise.all(collectors.map((collector) => collector.close()));
  });
});
