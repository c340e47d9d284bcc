import { Cluster, Redis } from 'ioredis';
import { Redis as Valkey, Cluster as ValkeyCluster } from 'iovalkey';
import { createClient, createCluster, createSentinel } from 'redis';
import { describe, expect, it } from 'vitest';
import { RedisCache } from './redis-cache.ts';
import { RedisStore } from './redis-store.ts';

describe('the clients', () => {
  it('are told by their methods', () => {
    const nodes = [{ host: '127.0.0.1', port: 1 }];
    const clients = [
      new Redis({ lazyConnect: true }),
      new Cluster(nodes, { lazyConnect: true }),
      new Valkey({ lazyConnect: true }),
      new ValkeyCluster(nodes, { lazyConnect: true }),
      createClient(),
      createCluster({ rootNodes: [] }),
      createSentinel({ name: 'mail', sentinelRootNodes: nodes }),
    ];
    for (const client of clients) {
      expect(() => new RedisCache(client).close()).not.toThrow();
      expect(() => new RedisStore(client).close()).not.toThrow();
    }
  });

  it('are nothing else', () => {
    for (const wrong of [undefined, null, 'redis://127.0.0.1', {}, new Map(), () => {}]) {
      expect(() => Reflect.construct(RedisStore, [wrong])).toThrow(TypeError);
      expect(() => Reflect.construct(RedisCache, [wrong])).toThrow('RedisCache: client must be a client of ioredis');
    }
  });
});

describe('the options', () => {
  const client = createClient();

  it('are checked when the store is made', () => {
    const wrong = [
      { prefix: '' },
      { prefix: 'a{b' },
      { prefix: 'x'.repeat(65) },
      { timeoutMs: 0 },
      { maxInFlight: 0 },
      { probeMs: 1 },
      { maxKeys: 0 },
      { maxBytes: 0.5 },
    ];
    for (const options of wrong) expect(() => new RedisStore(client, options)).toThrow(RangeError);
    expect(() => Reflect.construct(RedisStore, [client, { timeout: 5 }])).toThrow('unknown option "timeout"');
    expect(() => new RedisCache(client, { maxValueBytes: 0 })).toThrow(RangeError);
  });
});
