import { randomUUID } from 'node:crypto';
import {
  type AcquireResult,
  type Awaitable,
  type Charge,
  type ChargeResult,
  type Clock,
  MemoryStore,
  OptionReader,
  type Slot,
  type SlotLease,
  type Store,
  systemClock,
  type Unsubscribe,
} from '@postern/core';
import { ChargeBatch } from './charge-batch.ts';
import { writeCharges } from './charge-codec.ts';
import { type RedisOptions, readClock, readConnectionOptions } from './connection-options.ts';
import { LuaScript } from './lua-script.ts';
import { refundSource, resetSource } from './rate-source.ts';
import { reportInvalid } from './redis-channels.ts';
import { type RedisClient, redisCommands } from './redis-client.ts';
import { RedisLink } from './redis-link.ts';
import { ScriptClock } from './script-clock.ts';
import { SharedSlots } from './shared-slots.ts';
import { StoreKeys } from './store-keys.ts';
import { readNews, writeNews } from './store-news.ts';
import { readValue, storeValue } from './stored-value.ts';
import { Subscriptions } from './subscriptions.ts';

const owner = 'RedisStore';

/** Of a `RedisStore`. */
export interface RedisStoreOptions extends RedisOptions {
  /** Whose time counts in Redis. Default: that of the Redis server, so that machines need not agree on theirs. */
  readonly clock?: Clock;
  /** Bound of the local store, as of `MemoryStore`. Default 100,000. */
  readonly maxKeys?: number;
  /** Bound of the local store, as of `MemoryStore`. Default 67,108,864 (64 MiB). */
  readonly maxBytes?: number;
}

/**
 * The shared state of several machines, in Redis or Valkey.
 *
 * A `MemoryStore` goes along on every call and stands in when Redis is slow, down or full: no call waits longer than
 * `timeoutMs`, and none rejects because of Redis. What that means for each call:
 *
 * - `charge`: a local no is final at once; a local yes becomes yes when Redis says so too, so that the sum over all machines
 *   is exact. While Redis cannot be asked, the local answer stands: each machine keeps the limit by itself.
 * - `acquire` likewise. What was granted while Redis was away is handed in with the next `renew`.
 * - `recall` answers from Redis; while it is away, from what this process remembered.
 * - `publish` reaches the subscribers of this process also while Redis is away; when Redis was late, some may get it twice.
 * - `refund`, `reset` and `forget` take effect here at once, and elsewhere as soon as Redis has them; while it is away, only
 *   here. A machine that could not hear of a reset goes on refusing what it had itself counted, until that has run out.
 *
 * Loss and return of Redis are announced on the diagnostics channel `postern.redis.availability`.
 *
 * @example
 * ```ts
 * const store = new RedisStore(new Redis('redis://127.0.0.1:6379'));
 * const limiter = new RateLimiter({ limits, store });
 * // …
 * store.close();
 * ```
 */
export class RedisStore implements Store {
  /** Tells its own news and leases from those of others. */
  readonly #id = randomUUID();
  readonly #prefix: string;
  readonly #local: MemoryStore;
  readonly #link: RedisLink;
  readonly #keys: StoreKeys;
  readonly #clock: ScriptClock;
  readonly #batch: ChargeBatch;
  readonly #slots: SharedSlots;
  readonly #subscriptions: Subscriptions;
  readonly #refund = new LuaScript(refundSource);
  readonly #reset = new LuaScript(resetSource);
  /** How many listen to each topic. */
  readonly #topics = new Map<string, number>();
  #listensToNews = false;

  /** @param client - connected or connecting; it stays the application's, which closes it */
  constructor(client: RedisClient, options?: RedisStoreOptions) {
    const commands = redisCommands(owner, client);
    const read = new OptionReader(owner, options);
    const connection = readConnectionOptions(read);
    const clock = readClock(read);
    const maxKeys = read.integer('maxKeys', 100_000, { min: 1 });
    const maxBytes = read.integer('maxBytes', 67_108_864, { min: 1 });
    read.done();
    this.#prefix = connection.prefix;
    this.#local = new MemoryStore({ maxKeys, maxBytes, clock: clock ?? systemClock });
    this.#subscriptions = new Subscriptions(commands);
    this.#link = new RedisLink(commands, { owner, ...connection });
    this.#keys = new StoreKeys(connection.prefix);
    this.#clock = new ScriptClock(clock);
    this.#batch = new ChargeBatch(this.#link, this.#keys, this.#clock);
    this.#slots = new SharedSlots(this.#id, this.#local, this.#link, this.#keys, this.#clock);
  }

  /** @throws RangeError for more than 1,000 charges in one call */
  charge(charges: readonly Charge[]): Awaitable<ChargeResult> {
    assertFew('charge', charges);
    this.#listenToNews();
    const local = this.#local.charge(charges);
    if (!local.allowed || charges.length === 0 || !this.#link.isAvailable) return local;
    return new Promise((resolve) => {
      this.#batch.add(charges, (shared) => resolve(shared === undefined ? local : this.#settle(charges, shared)));
    });
  }

  refund(charges: readonly Charge[]): Awaitable<void> {
    assertFew('refund', charges);
    this.#local.refund(charges);
    if (charges.length === 0) return;
    return this.#tell(() => {
      const written = writeCharges(this.#keys, [charges]);
      const news = writeNews(this.#id, { kind: 'refund', charges });
      const keys = [...written.keys, this.#keys.news];
      return this.#refund.run(this.#link.commands, keys, [...this.#clock.args(), ...written.args, news]);
    });
  }

  reset(keys: readonly string[]): Awaitable<void> {
    assertFew('reset', keys);
    this.#local.reset(keys);
    if (keys.length === 0) return;
    const names = [...keys.flatMap((key) => this.#keys.rates(key)), this.#keys.news];
    const news = writeNews(this.#id, { kind: 'reset', keys });
    return this.#tell(() => this.#reset.run(this.#link.commands, names, [news]));
  }

  /** @throws RangeError for more than 1,000 slots in one call */
  acquire(slots: readonly Slot[], leaseMs: number): Awaitable<AcquireResult> {
    assertFew('acquire', slots);
    this.#listenToNews();
    return this.#slots.acquire(slots, leaseMs);
  }

  /** Also takes a lease again that this process holds and that Redis has lost, or could not be told of. */
  renew(lease: SlotLease, leaseMs: number): Awaitable<boolean> {
    return this.#slots.renew(lease, leaseMs);
  }

  release(lease: SlotLease): Awaitable<void> {
    return this.#slots.release(lease);
  }

  remember(key: string, value: Uint8Array, ttlMs: number): Awaitable<void> {
    this.#local.remember(key, value, ttlMs);
    const now = this.#clock.now();
    const stored = storeValue(value, now === undefined ? 0 : now + ttlMs);
    const lifeMs = String(Math.ceil(Math.min(ttlMs, longestMs)) + this.#clock.graceMs);
    const name = this.#keys.value(key);
    return this.#tell(() => this.#link.commands.send(name, ['SET', name, stored, 'PX', lifeMs]));
  }

  async recall(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (keys.length === 0) return [];
    const names = keys.map((key) => this.#keys.value(key));
    const values = await this.#link.ask(() => this.#link.commands.send(names[0] ?? '', ['MGET', ...names]));
    if (!Array.isArray(values)) return this.#local.recall(keys);
    const now = this.#clock.now() ?? 0;
    return keys.map((_, index) => readValue(values[index], now));
  }

  forget(key: string): Awaitable<void> {
    this.#local.forget(key);
    const name = this.#keys.value(key);
    return this.#tell(() => this.#link.commands.send(name, ['DEL', name]));
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    const name = this.#keys.topic(topic);
    // A copy: the caller may use his bytes again before the client has sent them.
    const bytes = Buffer.from(payload);
    const heard = await this.#link.ask(() => this.#link.commands.send(name, ['PUBLISH', name, bytes]));
    if (heard === undefined) this.#local.publish(topic, bytes);
  }

  /** Resolves when Redis has confirmed; while it is away after 2 seconds, and it listens as soon as Redis is back. */
  async subscribe(topic: string, listener: (payload: Uint8Array) => void): Promise<Unsubscribe> {
    const end = this.#local.subscribe(topic, listener);
    const listeners = (this.#topics.get(topic) ?? 0) + 1;
    this.#topics.set(topic, listeners);
    const name = this.#keys.topic(topic);
    await this.#subscriptions.add(name, (payload) => this.#local.publish(topic, payload));
    let ended = false;
    return async () => {
      if (ended) return;
      ended = true;
      await end();
      const left = (this.#topics.get(topic) ?? 1) - 1;
      this.#topics.set(topic, left);
      if (left > 0) return;
      this.#topics.delete(topic);
      await this.#subscriptions.delete(name);
    };
  }

  /** Ends the connection for messages and the timers. From then on the store is a local one. The client stays open. */
  close(): void {
    this.#link.close();
    this.#subscriptions.close();
  }

  /** What Redis says to charges that were made here. */
  #settle(charges: readonly Charge[], shared: ChargeResult): ChargeResult {
    if (!shared.allowed) this.#local.refund(charges);
    return shared;
  }

  async #tell(call: () => Promise<unknown>): Promise<void> {
    await this.#link.ask(call);
  }

  #listenToNews(): void {
    if (this.#listensToNews) return;
    this.#listensToNews = true;
    void this.#subscriptions.add(this.#keys.news, (payload) => this.#hear(payload));
  }

  #hear(payload: Buffer): void {
    const news = readNews(this.#id, payload);
    if (news === 'own') return;
    try {
      if (news.kind === 'refund') this.#local.refund(news.charges);
      else if (news.kind === 'reset') this.#local.reset(news.keys);
      else if (news.kind === 'release') this.#slots.releasedElsewhere(news.lease);
      else this.#invalid(news.reason, payload);
    } catch {
      this.#invalid('numbers out of bounds', payload);
    }
  }

  #invalid(reason: string, { length }: Buffer): void {
    reportInvalid({ owner, prefix: this.#prefix, reason, bytes: length });
  }
}

/** 30 years: what Redis takes as a time to live. */
const longestMs = 1e12;

/** One call is one script, during which Redis serves nobody else. */
const most = 1_000;

function assertFew(call: string, { length }: readonly unknown[]): void {
  if (length > most) throw new RangeError(`${call}: takes at most ${most} at once, got ${length}`);
}
