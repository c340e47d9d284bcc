import type { SlotLease } from '@postern/core';
import type { ReportStore } from './abortable-store.ts';

/** A slot of the store that is held for as long as work goes on. */
export class HeldLease {
  readonly #store: ReportStore;
  readonly #lease: SlotLease;
  readonly #leaseMs: number;
  readonly #clock: () => number;
  #heldSince: number;
  #renewing: Promise<boolean> | undefined;
  #lost = false;

  private constructor(store: ReportStore, lease: SlotLease, leaseMs: number, clock: () => number, heldSince: number) {
    this.#store = store;
    this.#lease = lease;
    this.#leaseMs = leaseMs;
    this.#clock = clock;
    this.#heldSince = heldSince;
  }

  /** `undefined`: somebody else holds it. */
  static async take(
    store: ReportStore,
    key: string,
    leaseMs: number,
    clock: () => number,
  ): Promise<HeldLease | undefined> {
    const heldSince = clock();
    const taken = await store.acquire([{ key, limit: 1 }], leaseMs);
    return taken.granted ? new HeldLease(store, taken.lease, leaseMs, clock, heldSince) : undefined;
  }

  /** To be called before each step. `false`: it was lost, and somebody else may hold it by now. */
  async keep(): Promise<boolean> {
    if (this.#lost) return false;
    const heldMs = this.#clock() - this.#heldSince;
    // Less than nothing: the clock was set back, and nobody knows how long it is held.
    if (heldMs >= 0 && heldMs < this.#leaseMs / 3) return true;
    // Several workers ask at once.
    this.#renewing ??= this.#renew();
    return this.#renewing;
  }

  async #renew(): Promise<boolean> {
    try {
      const now = this.#clock();
      this.#lost = !(await this.#store.renew(this.#lease, this.#leaseMs));
      this.#heldSince = now;
      return !this.#lost;
    } finally {
      this.#renewing = undefined;
    }
  }

  async release(): Promise<void> {
    await this.#store.release(this.#lease);
  }
}
