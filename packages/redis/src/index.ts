/**
 * Shared state for several machines: Store and Cache of Postern on Redis or Valkey.
 *
 * @module
 */

export type { RedisOptions } from './connection-options.ts';
export type { IoredisClient, IoredisCluster } from './ioredis-commands.ts';
export type {
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisListener,
  NodeRedisOptions,
  NodeRedisSentinel,
  NodeRedisSubscriptions,
} from './node-redis-commands.ts';
export { RedisCache, type RedisCacheOptions } from './redis-cache.ts';
export type { InvalidMessage, RedisAvailability } from './redis-channels.ts';
export type { RedisClient } from './redis-client.ts';
export type { RedisArgument } from './redis-commands.ts';
export { RedisStore, type RedisStoreOptions } from './redis-store.ts';
export { SharedBans, type SharedBansOptions } from './shared-bans.ts';
