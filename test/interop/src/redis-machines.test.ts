import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CachingResolver, DnsClient } from '@postern/core';
import { RedisCache, RedisStore } from '@postern/redis';
import { DnsServer, Zone } from '@postern/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { describeWith } from './real-server.ts';
import { RedisServer, redisCli, redisServer } from './redis-server.ts';

const peer = fileURLToPath(new URL('redis-peer.ts', import.meta.url));
const waiting = { timeout: 15_000, interval: 50 };

interface PeerResult {
  readonly allowed: number;
  readonly granted: boolean;
}

function isPeerResult(value: unknown): value is PeerResult {
  return typeof value === 'object' && value !== null && 'allowed' in value && 'granted' in value;
}

describeWith([redisServer, redisCli], 'Redis under several machines', () => {
  let server: RedisServer;
  let io: Redis;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
    io = new Redis(server.port, '127.0.0.1');
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    io?.disconnect();
    await server?.close();
  });

  function startPeer(...args: readonly string[]): { child: ChildProcess; result: Promise<PeerResult> } {
    const child = spawn(process.execPath, ['--conditions=@postern/source', peer, String(server.port), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return { child, result: firstLine(child) };
  }

  async function firstLine(child: ChildProcess): Promise<PeerResult> {
    let text = '';
    for await (const chunk of child.stdout ?? []) {
      text += String(chunk);
      if (!text.includes('\n')) continue;
      const result: unknown = JSON.parse(text);
      if (isPeerResult(result)) return result;
    }
    throw new Error(`the process ended without a result: ${text}`);
  }

  it('allows exactly the limit in sum, and gives the slots of killed processes free', async () => {
    const leaseMs = 4_000;
    const peers = Array.from({ length: 4 }, () => startPeer('500', '777', String(leaseMs)));
    const results = await Promise.all(peers.map(({ result }) => result));
    expect(results.reduce((sum, { allowed }) => sum + allowed, 0)).toBe(777);
    expect(results.map(({ granted }) => granted)).toEqual([true, true, true, true]);
    for (const { child } of peers) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    const store = new RedisStore(io, { timeoutMs: 10_000 });
    await vi.waitFor(
      async () => {
        // The slots of all four: nobody has leaked one.
        const lease = await store.acquire(
          Array.from({ length: 4 }, () => ({ key: 'slot', limit: 4 })),
          60_000,
        );
        expect(lease.granted).toBe(true);
      },
      { timeout: 40_000, interval: 200 },
    );
    store.close();
  }, 120_000);

  it('never leaves a key without an end', async () => {
    const store = new RedisStore(io, { timeoutMs: 10_000, prefix: 'ends' });
    const base = { key: 'a', cost: 1, count: 1, perMs: 1_000 };
    const all = [
      { ...base, algorithm: 'gcra', burst: 5 },
      { ...base, algorithm: 'fixed' },
      { ...base, algorithm: 'sliding' },
    ] as const;
    for (let time = 0; time < 3; time++) for (const charge of all) await store.charge([charge]);
    await store.refund(all);
    await store.acquire([{ key: 'a', limit: 3 }], 60_000);
    const lease = await store.acquire([{ key: 'a', limit: 3 }], 30_000);
    if (lease.granted) await store.renew(lease.lease, 90_000);
    await store.remember('a', Uint8Array.of(1), 60_000);
    await new RedisCache(io, { timeoutMs: 10_000, prefix: 'ends' }).set('a', Uint8Array.of(1), 60_000);
    const keys = (await server.command('KEYS', '*')).split('\n').filter((key) => key !== '');
    expect(keys.length).toBeGreaterThan(4);
    // -2: it has run out meanwhile; -1 would be no end.
    for (const key of keys) expect(await server.command('PTTL', key), key).not.toBe('-1');
    store.close();
  });

  it('tells other stores what was taken back, whose local answer stands on it', async () => {
    const one = new RedisStore(io, { timeoutMs: 10_000, prefix: 'news' });
    const two = new RedisStore(io, { timeoutMs: 10_000, prefix: 'news' });
    const charge = { algorithm: 'gcra', key: 'a', cost: 2, count: 1, perMs: 3_600_000, burst: 2 } as const;
    expect((await two.charge([charge])).allowed).toBe(true);
    expect((await one.charge([charge])).allowed).toBe(false);
    await vi.waitFor(async () => {
      await one.reset(['a']);
      expect((await two.charge([charge])).allowed).toBe(true);
    }, waiting);
    await vi.waitFor(async () => {
      await one.refund([charge]);
      expect((await two.charge([charge])).allowed).toBe(true);
    }, waiting);
    await io.publish('{news}:news', 'rubbish');
    await io.publish('{news}:news', JSON.stringify({ from: 'x', kind: 'refund', charges: [{ ...charge, cost: -1 }] }));
    expect((await two.charge([charge])).allowed).toBe(false);
    one.close();
    two.close();
  });

  it('shares DNS answers, and never delays a lookup beyond its bound when Redis hangs', async () => {
    const zone = new Zone({ 'mail.example': { A: '192.0.2.1' }, 'other.example': { A: '192.0.2.2' } });
    const dns = await DnsServer.start(zone);
    const resolver = (options = {}): CachingResolver =>
      new CachingResolver(new DnsClient({ servers: [dns.address] }), {
        cache: new RedisCache(io, { timeoutMs: 10_000, ...options }),
        cacheTimeoutMs: 10_000,
      });
    const one = resolver();
    expect(await one.resolve('mail.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    await vi.waitFor(async () => expect(await io.exists('postern:cache:dns/1/A/mail.example')).toBe(1), waiting);
    expect(await resolver().resolve('mail.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    expect(dns.queries.count('mail.example')).toBe(1);
    server.hang();
    try {
      const alone = resolver({ timeoutMs: 50 });
      expect(await alone.resolve('other.example', 'A')).toMatchObject({ records: ['192.0.2.2'] });
    } finally {
      server.goOn();
      await dns.close();
    }
  });
});
