import { channel } from 'node:diagnostics_channel';
import type { RateCharge } from '@postern/core';
import { RedisStore } from '@postern/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { describeWith } from './real-server.ts';
import { RedisServer, redisCli, redisServer } from './redis-server.ts';

const waiting = { timeout: 15_000, interval: 20 };

/** None comes back during a test. */
function hourly(key: string, burst: number): RateCharge {
  return { algorithm: 'gcra', key, cost: 1, count: 1, perMs: 3_600_000, burst };
}

describeWith([redisServer, redisCli], 'RedisStore while Redis is away', () => {
  let server: RedisServer;
  let io: Redis;
  let node: ReturnType<typeof createClient>;
  const stores: RedisStore[] = [];
  let heard: unknown[] = [];
  const listen = (message: unknown): void => void heard.push(message);

  beforeEach(async () => {
    heard = [];
    channel('postern.redis.availability').subscribe(listen);
    server = await RedisServer.start();
    io = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 50, password: undefined });
    io.on('error', () => {});
    node = createClient({ socket: { port: server.port, host: '127.0.0.1', reconnectStrategy: 50 } });
    node.on('error', () => {});
    await node.connect();
  });

  afterEach(async () => {
    channel('postern.redis.availability').unsubscribe(listen);
    for (const store of stores.splice(0)) store.close();
    io.disconnect();
    node.destroy();
    await server.close();
  });

  /** Waits for a Redis that hangs for so long that a busy machine is not taken for one. */
  function storeOver(client: Redis | ReturnType<typeof createClient>, options = {}): RedisStore {
    const store = new RedisStore(client, { timeoutMs: 1_000, probeMs: 50, ...options });
    stores.push(store);
    return store;
  }

  async function allowed(store: RedisStore, times: number, charge: RateCharge): Promise<number> {
    let count = 0;
    for (let time = 0; time < times; time++) if ((await store.charge([charge])).allowed) count++;
    return count;
  }

  /** Loss and return were announced, and calls are shared again. */
  async function recovered(): Promise<void> {
    await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ available: true, owner: 'RedisStore' }), waiting);
  }

  for (const kind of ['ioredis', 'node-redis'] as const) {
    it(`${kind}: a Redis that hangs: the warm local limiter decides, and the return is noticed`, async () => {
      const store = storeOver(kind === 'ioredis' ? io : node);
      expect(await allowed(store, 4, hourly('client', 10))).toBe(4);
      server.hang();
      expect(await allowed(store, 20, hourly('client', 10))).toBe(6);
      expect(heard).toMatchObject([{ available: false, reason: 'timeout', prefix: 'postern' }]);
      server.goOn();
      await recovered();
      expect(await allowed(store, 5, hourly('client', 10))).toBe(0);
      expect(await allowed(store, 5, hourly('other client', 3))).toBe(3);
    });

    it(`${kind}: a Redis that is killed and starts anew, empty`, async () => {
      const store = storeOver(kind === 'ioredis' ? io : node);
      expect(await allowed(store, 4, hourly('client', 10))).toBe(4);
      const lease = await store.acquire([{ key: 'client', limit: 1 }], 60_000);
      expect(lease.granted).toBe(true);
      await store.remember('known', Uint8Array.of(7), 60_000);
      await server.kill();
      expect(await allowed(store, 20, hourly('client', 10))).toBe(6);
      expect((await store.acquire([{ key: 'client', limit: 1 }], 60_000)).granted).toBe(false);
      expect(await store.recall(['known'])).toEqual([Uint8Array.of(7)]);
      await server.startAgain();
      await recovered();
      // The local no stands, and the lease is handed in with its next renewal.
      expect(await allowed(store, 5, hourly('client', 10))).toBe(0);
      expect(lease.granted && (await store.renew(lease.lease, 60_000))).toBe(true);
      const other = storeOver(kind === 'ioredis' ? node : io, { timeoutMs: 10_000 });
      expect(await other.acquire([{ key: 'client', limit: 1 }], 60_000)).toEqual({
        granted: false,
        key: 'client',
        held: 1,
      });
    });
  }

  it('a Redis out of memory counts as away until it takes writes again', async () => {
    const store = storeOver(io, { timeoutMs: 10_000 });
    await store.charge([hourly('warm', 1)]);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await allowed(store, 10, hourly('client', 5))).toBe(5);
    expect(heard).toMatchObject([{ available: false, reason: 'OOM' }]);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await recovered();
    expect(await allowed(storeOver(node, { timeoutMs: 10_000 }), 5, hourly('other', 2))).toBe(2);
  });

  it('a Redis that has become a replica counts as away until it is none', async () => {
    const store = storeOver(io, { timeoutMs: 10_000 });
    await store.charge([hourly('warm', 1)]);
    await server.command('REPLICAOF', '127.0.0.1', '1');
    expect(await allowed(store, 10, hourly('client', 5))).toBe(5);
    expect(heard).toMatchObject([{ available: false, reason: 'READONLY' }]);
    await server.command('REPLICAOF', 'NO', 'ONE');
    await recovered();
    expect(await allowed(storeOver(node, { timeoutMs: 10_000 }), 5, hourly('other', 2))).toBe(2);
  });

  it('runs on after SCRIPT FLUSH and after its connections were killed', async () => {
    const store = storeOver(io, { timeoutMs: 10_000 });
    expect(await allowed(store, 2, hourly('client', 10))).toBe(2);
    await server.command('SCRIPT', 'FLUSH');
    expect(await allowed(store, 2, hourly('client', 10))).toBe(2);
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    expect(await allowed(store, 10, hourly('client', 10))).toBe(6);
    expect(heard).toEqual([]);
  });

  it('never has more commands waiting in the client than maxInFlight', async () => {
    server.hang();
    let waitingCommands = 0;
    const callBuffer = io.callBuffer.bind(io);
    vi.spyOn(io, 'callBuffer').mockImplementation((command: string, ...args: (string | Buffer | number)[]) => {
      waitingCommands++;
      return callBuffer(command, ...args);
    });
    const store = storeOver(io, { maxInFlight: 5, timeoutMs: 10_000 });
    const values = await Promise.all(
      Array.from({ length: 200 }, (_, n) => (n < 195 ? undefined : store.forget(`${n}`))).slice(0, 195),
    );
    expect(values).toHaveLength(195);
    for (let n = 0; n < 200; n++) void store.forget(`key ${n}`);
    await vi.waitFor(() => expect(waitingCommands).toBeGreaterThan(0), waiting);
    expect(waitingCommands).toBeLessThanOrEqual(5);
    server.goOn();
  });

  it('takes rubbish for no answer', async () => {
    vi.spyOn(io, 'callBuffer').mockImplementation(async () => Buffer.from('rubbish'));
    const store = storeOver(io);
    expect(await allowed(store, 6, hourly('client', 3))).toBe(3);
    expect(heard[0]).toMatchObject({ available: false, reason: 'error' });
  });

  it('ends once, however often it is asked to, also when its client has given up', async () => {
    await server.kill();
    const hopeless: typeof node = createClient({
      socket: { port: server.port, host: '127.0.0.1', reconnectStrategy: false },
    });
    hopeless.on('error', () => {});
    for (const client of [hopeless, io]) {
      const store = storeOver(client);
      const subscribed = store.subscribe('topic', () => {});
      if (client === hopeless) await subscribed;
      store.close();
      store.close();
      expect((await store.charge([hourly('client', 1)])).allowed).toBe(true);
    }
    await server.startAgain();
  });

  it('tells no secret, whatever fails', async () => {
    await server.command('CONFIG', 'SET', 'requirepass', 'right');
    const secret = 'hunter2-very-secret';
    const client = new Redis(`redis://user:${secret}@127.0.0.1:${server.port}`, { retryStrategy: () => null });
    client.on('error', () => {});
    const store = storeOver(client);
    expect(await allowed(store, 10, hourly('client', 3))).toBe(3);
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0), waiting);
    expect(JSON.stringify(heard)).not.toContain(secret);
    client.disconnect();
  });
});
