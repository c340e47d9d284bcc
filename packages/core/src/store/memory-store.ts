import { type Clock, isClock, systemClock } from '../clock.ts';
import { OptionReader } from '../options.ts';
import { type Expiring, ExpiringMap } from './expiring-map.ts';
import { assertCharge, RateTable } from './rate-table.ts';
import { SlotTable } from './slot-table.ts';
import type { AcquireResult, Charge, ChargeResult, Slot, SlotLease, Store, Unsubscribe } from './store.ts';
import { storedKey } from './stored-key.ts';
import { TopicTable } from './topic-table.ts';

/** The bounds of a `MemoryStore`. */
export interface MemoryStoreOptions {
  /**
   * The most charged keys, the most keys with held slots, and the most remembered values, each. Default 100,000, at most
   * 16,777,216. 62 bytes for each charged key, as far as there are any.
   */
  readonly maxKeys?: number;
  /** The most bytes of all remembered values and their keys. Default 67,108,864 (64 MiB). */
  readonly maxBytes?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

interface RememberedValue extends Expiring {
  readonly bytes: Uint8Array;
}

/**
 * The shared state of one process, in memory. It answers at once, and every call is one step.
 *
 * Memory is bounded, whatever clients send: by `maxKeys`, by `maxBytes`, and by keeping charged keys as a fingerprint and
 * other keys of more than 256 characters as their SHA-256. There is no timer; what has expired goes while other things are
 * written. At a bound, room is made so:
 *
 * - A charged key that is at its limit, or that was refused and would be still, is never forgotten. Of the others, the one
 *   of 8 goes that has used the smallest part of its limit. When none may go, new keys are refused (see `RateTable`).
 * - Of remembered values, the one of 16 goes that expires first.
 * - Of held slots nothing is forgotten: a lease for a key that finds no room is refused, with `held` 0.
 *
 * A clock that goes back does not pay off what was charged, nor keep anybody out for longer: to charges, time stands still.
 *
 * Charges are exact for whole numbers (costs, counts, bursts, milliseconds) whose products stay below 2^53.
 *
 * @example
 * ```ts
 * const store = new MemoryStore();
 * const { allowed } = store.charge([
 *   { algorithm: 'gcra', key: 'client:192.0.2.1', cost: 1, count: 60, perMs: 60_000, burst: 10 },
 * ]);
 * ```
 */
export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #rates: RateTable;
  readonly #slots: SlotTable;
  readonly #values: ExpiringMap<RememberedValue>;
  readonly #topics = new TopicTable();

  constructor(options?: MemoryStoreOptions) {
    const read = new OptionReader('MemoryStore', options);
    const maxKeys = read.integer('maxKeys', 100_000, { min: 1, max: 16_777_216 });
    this.#maxBytes = read.integer('maxBytes', 67_108_864, { min: 1 });
    this.#clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    read.done();
    this.#rates = new RateTable(maxKeys);
    this.#slots = new SlotTable(maxKeys);
    this.#values = new ExpiringMap({ maxKeys, maxBytes: this.#maxBytes, bytesOf: valueBytes });
  }

  charge(charges: readonly Charge[]): ChargeResult {
    for (const charge of charges) assertCharge('charge', charge);
    return this.#rates.charge(charges, this.#clock.now());
  }

  refund(charges: readonly Charge[]): void {
    for (const charge of charges) assertCharge('refund', charge);
    this.#rates.refund(charges, this.#clock.now());
  }

  reset(keys: readonly string[]): void {
    this.#rates.reset(keys);
  }

  acquire(slots: readonly Slot[], leaseMs: number): AcquireResult {
    return this.#slots.acquire(slots, leaseMs, this.#clock.now());
  }

  renew(lease: SlotLease, leaseMs: number): boolean {
    return this.#slots.renew(lease, leaseMs, this.#clock.now());
  }

  release(lease: SlotLease): void {
    this.#slots.release(lease, this.#clock.now());
  }

  /** @throws RangeError also when the value and its key are larger than `maxBytes` */
  remember(key: string, value: Uint8Array, ttlMs: number): void {
    if (!(Number.isFinite(ttlMs) && ttlMs > 0)) throw new RangeError('remember: ttlMs must be a finite number > 0');
    const now = this.#clock.now();
    // A copy: the caller may use his bytes again.
    const remembered = { bytes: new Uint8Array(value), expiresAt: now + ttlMs };
    const id = storedKey(key);
    if (valueBytes(id, remembered) > this.#maxBytes) {
      throw new RangeError(`remember: the value and its key must not be larger than maxBytes, ${this.#maxBytes}`);
    }
    this.#values.set(id, remembered, now);
  }

  recall(keys: readonly string[]): readonly (Uint8Array | undefined)[] {
    const now = this.#clock.now();
    return keys.map((key) => {
      const value = this.#values.get(storedKey(key), now);
      return value && new Uint8Array(value.bytes);
    });
  }

  forget(key: string): void {
    this.#values.delete(storedKey(key));
  }

  /**
   * Listeners run in a microtask, each with its own copy of the payload. One that throws becomes a process warning
   * (`PosternWarning`), and the others still get theirs.
   */
  publish(topic: string, payload: Uint8Array): void {
    this.#topics.publish(topic, payload);
  }

  subscribe(topic: string, listener: (payload: Uint8Array) => void): Unsubscribe {
    return this.#topics.subscribe(topic, listener);
  }
}

function valueBytes(key: string, { bytes }: RememberedValue): number {
  return 2 * key.length + bytes.length;
}
