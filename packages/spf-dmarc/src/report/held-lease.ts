import type { SlotLease, Store } from '@postern/core';

/** A slot of the store that is held for as long as work goes on. */
export class HeldLease {
  readonly #store: Store;
  readonly #lease: SlotLease;
  readonly #leaseMs: number;
  readonly #clock: () => number;
  #renewAt: number;
  #renewing: Promise<boolean> | undefined;
  #lost = false;

  private constructor(store: Store, lease: SlotLease, leaseMs: number, clock: () => number) {
    this.#store = store;
    this.#lease = lease;
    this.#leaseMs = leaseMs;
    this.#clock = clock;
    this.#renewAt = clock() + leaseMs / 3;
  }

  /** `undefined`: somebody else holds it. */
  static async take(store: Store, key: string, leaseMs: number, clock: () => number): Promise<HeldLease | undefined> {
    const taken = await store.acquire([{ key, limit: 1 }], leaseMs);
    return taken.granted ? new HeldLease(store, taken.lease, leaseMs, clock) : undefined;
  }

  /** To be called before each step. `false`: it was lost, and somebody else may hold it by now. */
  async keep(): Promise<boolean> {
    if (this.#lost) return false;
    if (this.#clock() < this.#renewAt) return true;
    // Several workers ask at once.
    this.#renewing ??= this.#renew();
    return this.#renewing;
  }

  async #renew(): Promise<boolean> {
    try {
      const now = this.#clock();
      this.#lost = !(await this.#store.renew(this.#lease, this.#leaseMs));
      this.#renewAt = now + this.#leaseMs / 3;
      return !this.#lost;
    } finally {
      this.#renewing = undefined;
    }
  }

  async release(): Promise<void> {
    await this.#store.release(this.#lease);
  }
}
