import type { AcquireResult, Awaitable, MemoryStore, Slot, SlotLease } from '@postern/core';
import { LuaScript } from './lua-script.ts';
import type { RedisLink } from './redis-link.ts';
import type { ScriptClock } from './script-clock.ts';
import { acquireSource, releaseSource, renewSource } from './slot-source.ts';
import type { StoreKeys } from './store-keys.ts';
import { writeNews } from './store-news.ts';

/**
 * Slots held under leases, here and in Redis under the same id. A lease's id begins with that of the store that took it, so
 * that every store knows its own.
 */
export class SharedSlots {
  readonly #storeId: string;
  readonly #local: MemoryStore;
  readonly #link: RedisLink;
  readonly #keys: StoreKeys;
  readonly #clock: ScriptClock;
  readonly #acquire = new LuaScript(acquireSource);
  readonly #renew = new LuaScript(renewSource);
  readonly #release = new LuaScript(releaseSource);

  constructor(storeId: string, local: MemoryStore, link: RedisLink, keys: StoreKeys, clock: ScriptClock) {
    this.#storeId = storeId;
    this.#local = local;
    this.#link = link;
    this.#keys = keys;
    this.#clock = clock;
  }

  acquire(slots: readonly Slot[], leaseMs: number): Awaitable<AcquireResult> {
    const local = this.#local.acquire(slots, leaseMs);
    if (!local.granted) return local;
    const lease = { id: `${this.#storeId}/${local.lease.id}`, keys: local.lease.keys };
    if (slots.length === 0) return { granted: true, lease };
    return this.#acquireShared(slots, leaseMs, local.lease, lease);
  }

  renew(lease: SlotLease, leaseMs: number): Awaitable<boolean> {
    const held = this.#local.renew(this.#localLease(lease), leaseMs);
    if (lease.keys.length === 0) return held;
    return this.#renewShared(lease, leaseMs, held);
  }

  async release(lease: SlotLease): Promise<void> {
    this.#local.release(this.#localLease(lease));
    if (lease.keys.length === 0) return;
    const news = this.#isOwn(lease) ? '' : writeNews(this.#storeId, { kind: 'release', lease });
    const names = [...this.#names(lease.keys), this.#keys.news];
    await this.#link.ask(() => this.#release.run(this.#link.commands, names, [lease.id, news]));
  }

  /** Another store has given back a lease, maybe of this one. */
  releasedElsewhere(lease: SlotLease): void {
    if (this.#isOwn(lease)) this.#local.release(this.#localLease(lease));
  }

  async #acquireShared(
    slots: readonly Slot[],
    leaseMs: number,
    localLease: SlotLease,
    lease: SlotLease,
  ): Promise<AcquireResult> {
    const names = this.#names(lease.keys);
    const limits = slots.map(({ limit }) => String(limit));
    const args = [...this.#clock.args(), String(leaseMs), lease.id, ...limits];
    const reply = await this.#link.ask(() => this.#acquire.run(this.#link.commands, names, args));
    const [index, held] = Array.isArray(reply) ? reply.map(Number) : [];
    const full = slots[(index ?? 0) - 1];
    if (full === undefined || held === undefined) return { granted: true, lease };
    this.#local.release(localLease);
    return { granted: false, key: full.key, held };
  }

  async #renewShared(lease: SlotLease, leaseMs: number, held: boolean): Promise<boolean> {
    const args = [...this.#clock.args(), String(leaseMs), lease.id, held ? '1' : '0'];
    const names = this.#names(lease.keys);
    const reply = await this.#link.ask(() => this.#renew.run(this.#link.commands, names, args));
    return held || reply === 1;
  }

  #names(keys: readonly string[]): string[] {
    return keys.map((key) => this.#keys.slot(key));
  }

  #isOwn({ id }: SlotLease): boolean {
    return id.startsWith(`${this.#storeId}/`);
  }

  #localLease(lease: SlotLease): SlotLease {
    return this.#isOwn(lease) ? { ...lease, id: lease.id.slice(this.#storeId.length + 1) } : lease;
  }
}
