import { randomUUID } from 'node:crypto';
import type { AcquireResult, Slot, SlotLease } from './store.ts';
import { storedKey } from './stored-key.ts';

interface LiveLease {
  readonly id: string;
  /** As stored; one that stands twice holds two slots. */
  readonly keys: readonly string[];
  leaseMs: number;
  expiresAt: number;
}

/**
 * Slots held under leases. Each call first takes back what ran out, so that only live leases count.
 *
 * The leases of one length stand in one queue in the order in which they were taken or renewed, those that run out first in
 * front. So a call costs what ran out, plus a step for each length in use; lengths are the program's and few.
 */
export class SlotTable {
  readonly #maxKeys: number;
  readonly #held = new Map<string, number>();
  readonly #leases = new Map<string, LiveLease>();
  readonly #queues = new Map<number, Set<LiveLease>>();

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  acquire(slots: readonly Slot[], leaseMs: number, now: number): AcquireResult {
    assertLeaseMs('acquire', leaseMs);
    for (const slot of slots) assertSlot(slot);
    this.#takeBackExpired(now);
    const counts = new Map<string, number>();
    let newKeys = 0;
    for (const { key, limit } of slots) {
      const id = storedKey(key);
      const held = counts.get(id) ?? this.#held.get(id) ?? 0;
      if (held === 0) newKeys++;
      // A table full of live leases forgets none of them: someone could pass his limit then.
      if (held >= limit || this.#held.size + newKeys > this.#maxKeys) return { granted: false, key, held };
      counts.set(id, held + 1);
    }
    for (const [id, count] of counts) this.#held.set(id, count);
    const keys = slots.map(({ key }) => key);
    const lease: LiveLease = { id: randomUUID(), keys: keys.map(storedKey), leaseMs, expiresAt: now + leaseMs };
    this.#leases.set(lease.id, lease);
    this.#enqueue(lease);
    return { granted: true, lease: { id: lease.id, keys } };
  }

  renew({ id }: SlotLease, leaseMs: number, now: number): boolean {
    assertLeaseMs('renew', leaseMs);
    this.#takeBackExpired(now);
    const lease = this.#leases.get(id);
    if (lease === undefined) return false;
    this.#dequeue(lease);
    lease.leaseMs = leaseMs;
    lease.expiresAt = now + leaseMs;
    this.#enqueue(lease);
    return true;
  }

  release({ id }: SlotLease, now: number): void {
    this.#takeBackExpired(now);
    const lease = this.#leases.get(id);
    if (lease !== undefined) this.#takeBack(lease);
  }

  #takeBackExpired(now: number): void {
    for (const queue of this.#queues.values()) {
      for (const lease of queue) {
        if (lease.expiresAt > now) break;
        this.#takeBack(lease);
      }
    }
  }

  #takeBack(lease: LiveLease): void {
    this.#dequeue(lease);
    this.#leases.delete(lease.id);
    for (const key of lease.keys) {
      const held = this.#held.get(key) ?? 0;
      if (held > 1) this.#held.set(key, held - 1);
      else this.#held.delete(key);
    }
  }

  #enqueue(lease: LiveLease): void {
    const queue = this.#queues.get(lease.leaseMs);
    if (queue === undefined) this.#queues.set(lease.leaseMs, new Set([lease]));
    else queue.add(lease);
  }

  #dequeue(lease: LiveLease): void {
    const queue = this.#queues.get(lease.leaseMs);
    queue?.delete(lease);
    if (queue?.size === 0) this.#queues.delete(lease.leaseMs);
  }
}

function assertSlot({ key, limit }: Slot): void {
  if (typeof key !== 'string') throw new RangeError('acquire: key must be a string');
  if (!(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new RangeError(`acquire: limit of ${JSON.stringify(key.slice(0, 60))} must be a whole number ≥ 0`);
  }
}

function assertLeaseMs(call: string, leaseMs: number): void {
  if (!(Number.isFinite(leaseMs) && leaseMs > 0)) throw new RangeError(`${call}: leaseMs must be a finite number > 0`);
}
