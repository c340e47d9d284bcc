import {
  type IoredisClient,
  type IoredisCluster,
  ioredisClusterCommands,
  ioredisCommands,
} from './ioredis-commands.ts';
import {
  type NodeRedisClient,
  type NodeRedisCluster,
  type NodeRedisSentinel,
  nodeRedisClusterCommands,
  nodeRedisCommands,
  nodeRedisSentinelCommands,
} from './node-redis-commands.ts';
import type { RedisCommands } from './redis-commands.ts';

/**
 * A client that the application has: `Redis` or `Cluster` of `ioredis` or `iovalkey`, or what `createClient`,
 * `createCluster` or `createSentinel` of `redis` (node-redis) give. It is told by its methods; none of these packages is
 * imported.
 */
export type RedisClient = IoredisClient | IoredisCluster | NodeRedisClient | NodeRedisCluster | NodeRedisSentinel;

/** @throws TypeError for an object that is no such client */
export function redisCommands(owner: string, client: RedisClient): RedisCommands {
  if (isIoredisCluster(client)) return ioredisClusterCommands(client);
  if (isIoredisClient(client)) return ioredisCommands(client);
  if (isNodeRedisCluster(client)) return nodeRedisClusterCommands(client);
  if (isNodeRedisSentinel(client)) return nodeRedisSentinelCommands(client);
  if (isNodeRedisClient(client)) return nodeRedisCommands(client);
  throw new TypeError(`${owner}: client must be a client of ioredis, iovalkey or redis (node-redis)`);
}

function has(value: unknown, ...methods: readonly string[]): value is object {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return methods.every((method) => typeof Reflect.get(value, method) === 'function');
}

function isIoredisCluster(client: unknown): client is IoredisCluster {
  return has(client, 'callBuffer', 'subscribe', 'on', 'off') && Reflect.get(client, 'isCluster') === true;
}

function isIoredisClient(client: unknown): client is IoredisClient {
  return has(client, 'callBuffer', 'subscribe', 'duplicate', 'disconnect');
}

function isNodeRedisCluster(client: unknown): client is NodeRedisCluster {
  return has(client, 'sendCommand', 'subscribe') && 'masters' in client;
}

function isNodeRedisSentinel(client: unknown): client is NodeRedisSentinel {
  return has(client, 'sendCommand', 'subscribe', 'getSentinelNode');
}

function isNodeRedisClient(client: unknown): client is NodeRedisClient {
  return has(client, 'sendCommand', 'subscribe', 'duplicate', 'connect', 'destroy');
}
