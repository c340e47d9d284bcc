import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RedisCache, RedisStore } from '@postern/redis';
import { FakeClock, storeContract } from '@postern/testing';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeWith } from './real-server.ts';
import { RedisServer, redisCli, redisServer } from './redis-server.ts';

/** A node hands a message on to the others in its own time: one that subscribes on another node may get it still. */
const beyondClusters = 'topics: nobody keeps a payload for later, nor hands it over after the end';

const patient = { timeoutMs: 10_000 };

describeWith([redisServer, redisCli], 'RedisStore on a cluster', () => {
  let folder: string;
  const nodes: RedisServer[] = [];
  let io: Cluster;
  let node: ReturnType<typeof createCluster>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-cluster-'));
    for (const name of ['a', 'b', 'c']) {
      const file = join(folder, `${name}.conf`);
      nodes.push(await RedisServer.startNode('--cluster-enabled', 'yes', '--cluster-config-file', file));
    }
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes'];
    await promisify(execFile)(redisCli.path ?? 'redis-cli', create);
    await vi.waitFor(
      async () => {
        for (const each of nodes) expect(await each.command('CLUSTER', 'INFO')).toContain('cluster_state:ok');
      },
      { timeout: 20_000, interval: 50 },
    );
    io = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })));
    node = createCluster({ rootNodes: nodes.map(({ port }) => ({ socket: { host: '127.0.0.1', port } })) });
    await node.connect();
  }, 60_000);

  afterAll(async () => {
    io?.disconnect();
    node?.destroy();
    for (const each of nodes) await each.close();
    rmSync(folder, { recursive: true, force: true });
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
    const cases = storeContract('Cluster', start);
    for (const { name, run } of cases) if (name !== `Cluster: ${beyondClusters}`) it(name, run);
  });

  it('goes on listening for one store when another on the same client ends', async () => {
    const [one, two, elsewhere] = [
      new RedisStore(io, patient),
      new RedisStore(io, patient),
      new RedisStore(node, patient),
    ];
    const heard: number[] = [];
    await one.subscribe('topic', () => {});
    await two.subscribe('topic', ([byte = 0]) => heard.push(byte));
    one.close();
    await vi.waitFor(
      async () => {
        await elsewhere.publish('topic', Uint8Array.of(7));
        expect(heard).toContain(7);
      },
      { timeout: 10_000, interval: 50 },
    );
    two.close();
    elsewhere.close();
  });

  it('spreads the keys of a cache over the nodes', async () => {
    const cache = new RedisCache(io, patient);
    for (let n = 0; n < 60; n++) await cache.set(`key ${n}`, Uint8Array.of(n), 60_000);
    expect(await new RedisCache(node, patient).get('key 59')).toEqual(Uint8Array.of(59));
    for (const each of nodes) expect(Number(await each.command('DBSIZE'))).toBeGreaterThan(0);
  });
});
