import { type Cache, OptionReader } from '@postern/core';
import { type RedisOptions, readConnectionOptions } from './connection-options.ts';
import { type RedisClient, redisCommands } from './redis-client.ts';
import { RedisLink } from './redis-link.ts';

const owner = 'RedisCache';

/** 30 years: what Redis takes as a time to live. */
const longestMs = 1e12;

/** Of a `RedisCache`. */
export interface RedisCacheOptions extends RedisOptions {
  /** Larger values are not kept. 1 to 16,777,216. Default 65,536 (64 KiB). */
  readonly maxValueBytes?: number;
}

/**
 * A cache that several machines share, as the second level behind core's `CachingResolver`, for instance: each machine
 * profits from what another has looked up.
 *
 * When Redis is slow, down or full, it has nothing and keeps nothing; nobody waits longer than `timeoutMs`, and nothing
 * rejects. In a cluster its keys are spread over all nodes.
 *
 * @example
 * ```ts
 * const cache = new RedisCache(new Redis('redis://127.0.0.1:6379'));
 * const resolver = new CachingResolver(new DnsClient(), { cache });
 * ```
 */
export class RedisCache implements Cache {
  readonly #link: RedisLink;
  readonly #prefix: string;
  readonly #maxValueBytes: number;

  /** @param client - connected or connecting; it stays the application's, which closes it */
  constructor(client: RedisClient, options?: RedisCacheOptions) {
    const commands = redisCommands(owner, client);
    const read = new OptionReader(owner, options);
    const connection = readConnectionOptions(read);
    this.#maxValueBytes = read.integer('maxValueBytes', 65_536, { min: 1, max: 16_777_216 });
    read.done();
    this.#prefix = connection.prefix;
    this.#link = new RedisLink(commands, { owner, ...connection });
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const name = this.#name(key);
    const value = await this.#link.ask(() => this.#link.commands.send(name, ['GET', name]));
    return Buffer.isBuffer(value) ? new Uint8Array(value) : undefined;
  }

  async set(key: string, value: Uint8Array, ttlMs: number): Promise<void> {
    if (!(Number.isFinite(ttlMs) && ttlMs > 0)) throw new RangeError('set: ttlMs must be a finite number > 0');
    if (value.length > this.#maxValueBytes) return this.delete(key);
    const name = this.#name(key);
    const bytes = Buffer.from(value);
    const lifeMs = String(Math.ceil(Math.min(ttlMs, longestMs)));
    await this.#link.ask(() => this.#link.commands.send(name, ['SET', name, bytes, 'PX', lifeMs]));
  }

  async delete(key: string): Promise<void> {
    const name = this.#name(key);
    await this.#link.ask(() => this.#link.commands.send(name, ['DEL', name]));
  }

  /** Ends the timers. From then on it has nothing. The client stays open. */
  close(): void {
    this.#link.close();
  }

  /** Without braces of the prefix: each key lies where its own name says. */
  #name(key: string): string {
    return `${this.#prefix}:cache:${key}`;
  }
}
