import { IpList } from '@postern/ip-list';
import { SharedBans } from '@postern/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { describeWith } from './real-server.ts';
import { RedisServer, redisCli, redisServer } from './redis-server.ts';

const waiting = { timeout: 15_000, interval: 20 };

interface Machine {
  readonly list: IpList;
  readonly bans: SharedBans;
}

describeWith([redisServer, redisCli], 'SharedBans', () => {
  let server: RedisServer;
  let io: Redis;
  let node: ReturnType<typeof createClient>;
  const machines: Machine[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
    io = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 50 });
    io.on('error', () => {});
    node = createClient({ socket: { port: server.port, host: '127.0.0.1', reconnectStrategy: 50 } });
    node.on('error', () => {});
    await node.connect();
  });

  afterEach(async () => {
    for (const { bans } of machines.splice(0)) bans.close();
    io.disconnect();
    node.destroy();
    await server.close();
  });

  async function machine(client: Redis | ReturnType<typeof createClient>, options = {}): Promise<Machine> {
    const list = IpList.from([]);
    const bans = new SharedBans(client, { list, timeoutMs: 5_000, syncMs: 200, probeMs: 50, ...options });
    const made = { list, bans };
    machines.push(made);
    await vi.waitFor(async () => expect(await bans.sync()).toBe(true), waiting);
    return made;
  }

  it('has every machine follow what one adds and deletes, however it writes the prefix', async () => {
    const one = await machine(io);
    const two = await machine(node);
    await one.bans.add('203.0.113.9', { reason: 'spam trap', evidence: { hits: 3 }, expiresAt: Date.now() + 60_000 });
    await vi.waitFor(() => expect(two.list.lookup('203.0.113.9')?.reason).toBe('spam trap'), waiting);
    expect(two.list.lookup('203.0.113.9')?.evidence).toEqual({ hits: 3 });
    expect(await two.bans.get('203.0.113.9')).toMatchObject({ reason: 'spam trap' });
    expect(await two.bans.get('203.0.113.0/24')).toBeUndefined();
    expect(await two.bans.delete('203.0.113.9/32')).toBe(true);
    await vi.waitFor(() => expect(one.list.lookup('203.0.113.9')).toBeUndefined(), waiting);
    expect(await one.bans.delete('203.0.113.9')).toBe(false);
  });

  it('gives a new machine all of it, and leaves no key without an end', async () => {
    const one = await machine(io);
    await Promise.all(
      Array.from({ length: 2_000 }, (_, n) =>
        one.bans.add(`10.0.${Math.floor(n / 250)}.${n % 250}`, { reason: `${n}` }),
      ),
    );
    // More at once than the client may hold: the rest is handed in later.
    await vi.waitFor(
      async () => expect(await server.command('HLEN', '{postern}:b:bans:entries')).toBe('2000'),
      waiting,
    );
    const two = await machine(node);
    expect(two.list.lookup('10.0.7.249')?.reason).toBe('1999');
    for (const key of (await server.command('KEYS', '*')).split('\n')) {
      expect(Number(await server.command('PTTL', key)), key).toBeGreaterThan(0);
    }
  });

  it('ends with the same list everywhere when all change it at once', async () => {
    const all = [await machine(io), await machine(node), await machine(io)];
    const address = (n: number): string => `192.0.2.${n % 20}`;
    await Promise.all(
      all.flatMap(({ bans }, index) =>
        Array.from({ length: 60 }, async (_, n) => {
          if ((n + index) % 3 === 0) await bans.delete(address(n * 7));
          else await bans.add(address(n * 7), { reason: `${index}` });
        }),
      ),
    );
    const reasons = ({ list }: Machine): unknown[] =>
      Array.from({ length: 20 }, (_, n) => list.lookup(address(n))?.reason);
    await vi.waitFor(() => {
      const [first, ...others] = all.map(reasons);
      for (const other of others) expect(other).toEqual(first);
    }, waiting);
  });

  it('fetches all anew after its connection was lost', async () => {
    const one = await machine(io);
    // So seldom that only the lost connection can be the reason.
    const two = await machine(node, { syncMs: 3_600_000 });
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await one.bans.add('203.0.113.9');
    await vi.waitFor(() => expect(two.list.lookup('203.0.113.9')).toBeDefined(), waiting);
  });

  it('hands in what changed while Redis was gone, and gives it back what it lost', async () => {
    const one = await machine(io, { timeoutMs: 500 });
    const two = await machine(node, { timeoutMs: 500 });
    await one.bans.add('203.0.113.1');
    await server.kill();
    await one.bans.add('203.0.113.2');
    await two.bans.add('203.0.113.3');
    expect([one.list.lookup('203.0.113.2'), two.list.lookup('203.0.113.3')]).not.toContain(undefined);
    await server.startAgain();
    const three = await machine(io);
    await vi.waitFor(() => {
      for (const { list } of [one, two, three]) {
        for (const ip of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) expect(list.lookup(ip), ip).toBeDefined();
      }
    }, waiting);
  });

  it('keeps to its bound: the ban that would end first goes, everywhere', async () => {
    const one = await machine(io, { maxEntries: 2 });
    const two = await machine(node, { maxEntries: 2 });
    await one.bans.add('203.0.113.1', { expiresAt: Date.now() + 60_000 });
    await one.bans.add('203.0.113.2', { expiresAt: Date.now() + 30_000 });
    await one.bans.add('203.0.113.3');
    await vi.waitFor(() => {
      for (const { list } of [one, two]) {
        const there = [1, 2, 3].map((n) => list.lookup(`203.0.113.${n}`) !== undefined);
        expect(there).toEqual([true, false, true]);
      }
    }, waiting);
  });

  it('reports what is no change, and goes on', async () => {
    const { channel } = await import('node:diagnostics_channel');
    const reports: unknown[] = [];
    const listen = (message: unknown): void => void reports.push(message);
    channel('postern.redis.invalid').subscribe(listen);
    const one = await machine(io);
    const two = await machine(node);
    const hostile = ['', 'x', 'a\nb\nc\nd', `e\n1\nk\n${'x'.repeat(20_000)}`, '\n-1\n\n', 'e\n1\nk\n{}\n{}'];
    for (const payload of hostile) await io.publish('{postern}:b:bans:changes', payload);
    await io.hset(
      '{postern}:b:bans:entries',
      'nonsense',
      '{"action":"block","reason":"","source":""}',
      '192.0.2.1/32',
      '[]',
    );
    await vi.waitFor(() => expect(reports.length).toBeGreaterThanOrEqual(hostile.length), waiting);
    expect(await two.bans.sync()).toBe(true);
    await one.bans.add('203.0.113.9');
    await vi.waitFor(() => expect(two.list.lookup('203.0.113.9')).toBeDefined(), waiting);
    expect(two.list.lookup('192.0.2.1')).toBeUndefined();
    channel('postern.redis.invalid').unsubscribe(listen);
  });

  it('changes nothing for what cannot be meant', async () => {
    const one = await machine(io);
    await expect(one.bans.add('nonsense')).rejects.toThrow(RangeError);
    await expect(one.bans.add('203.0.113.9', { reason: 'x'.repeat(20_000) })).rejects.toThrow(RangeError);
    expect(one.list.lookup('203.0.113.9')).toBeUndefined();
    expect(await server.command('HLEN', '{postern}:b:bans:entries')).toBe('0');
  });
});
