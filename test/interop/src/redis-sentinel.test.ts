import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisClient, RedisStore } from '@postern/redis';
import { Redis } from 'ioredis';
import { Redis as Valkey } from 'iovalkey';
import { createSentinel } from 'redis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { freePort } from './free-port.ts';

import { describeWith, type RunningServer } from './real-server.ts';
import { RedisServer, redisCli, redisServer } from './redis-server.ts';

const patient = { timeoutMs: 10_000 };

/** What every client must do: charge, hold, remember, and hear messages and news. */
async function worksTogether(one: RedisClient, other: RedisClient, prefix: string): Promise<void> {
  const stores = [new RedisStore(one, { ...patient, prefix }), new RedisStore(other, { ...patient, prefix })] as const;
  const [first, second] = stores;
  const charge = { algorithm: 'gcra', key: 'client', cost: 1, count: 1, perMs: 3_600_000, burst: 3 } as const;
  const results = [];
  for (const store of [first, second, first, second]) results.push((await store.charge([charge])).allowed);
  expect(results).toEqual([true, true, true, false]);
  const lease = await first.acquire([{ key: 'client', limit: 1 }], 60_000);
  expect(lease.granted).toBe(true);
  expect(await second.acquire([{ key: 'client', limit: 1 }], 60_000)).toEqual({
    granted: false,
    key: 'client',
    held: 1,
  });
  if (lease.granted) await first.release(lease.lease);
  await first.remember('known', Uint8Array.of(255, 0), 60_000);
  expect(await second.recall(['known', 'unknown'])).toEqual([Uint8Array.of(255, 0), undefined]);
  const heard: Uint8Array[] = [];
  await second.subscribe('topic', (payload) => heard.push(payload));
  await vi.waitFor(
    async () => {
      await first.publish('topic', Uint8Array.of(255, 0));
      expect(heard).toContainEqual(Uint8Array.of(255, 0));
    },
    { timeout: 15_000, interval: 50 },
  );
  for (const store of stores) store.close();
}

describeWith([redisServer, redisCli], 'RedisStore by Sentinel and with iovalkey', () => {
  let folder: string;
  let master: RedisServer;
  let sentinel: RunningServer;
  let sentinelPort: number;

  beforeAll(async () => {
    master = await RedisServer.start();
    sentinelPort = await freePort();
    folder = mkdtempSync(join(tmpdir(), 'postern-sentinel-'));
    const file = join(folder, 'sentinel.conf');
    const lines = [`port ${sentinelPort}`, 'bind 127.0.0.1', `sentinel monitor mail 127.0.0.1 ${master.port} 1`];
    writeFileSync(file, `${lines.join('\n')}\n`);
    sentinel = await redisServer.start([file, '--sentinel'], async () => {
      const probe = new Redis(sentinelPort, '127.0.0.1', { retryStrategy: () => null, lazyConnect: true });
      probe.on('error', () => {});
      return await probe
        .call('SENTINEL', 'get-master-addr-by-name', 'mail')
        .then(Array.isArray, () => false)
        .finally(() => probe.disconnect());
    });
  }, 30_000);

  afterAll(async () => {
    await sentinel?.stop();
    await master?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('ioredis and node-redis find the server through Sentinel', async () => {
    const io = new Redis({ sentinels: [{ host: '127.0.0.1', port: sentinelPort }], name: 'mail' });
    const node = createSentinel({ name: 'mail', sentinelRootNodes: [{ host: '127.0.0.1', port: sentinelPort }] });
    node.on('error', () => {});
    await node.connect();
    try {
      await worksTogether(io, node, 'a');
      await worksTogether(node, io, 'b');
    } finally {
      io.disconnect();
      node.destroy();
    }
  }, 60_000);

  it('iovalkey works as ioredis does', async () => {
    const [one, other] = [new Valkey(master.port, '127.0.0.1'), new Redis(master.port, '127.0.0.1')];
    try {
      await worksTogether(one, other, 'c');
      await worksTogether(other, one, 'd');
    } finally {
      one.disconnect();
      other.disconnect();
    }
  }, 60_000);
});
