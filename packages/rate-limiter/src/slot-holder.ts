import {
  type AcquireResult,
  type Awaitable,
  isPending,
  MemoryStore,
  type Slot,
  type SlotLease,
  type Store,
} from '@postern/core';

/** Longer than any process runs: what this process holds it holds until it gives it back. */
const FOREVER_MS = 2 ** 52;

/** Slots that are held here, and elsewhere if there is a shared store that could be asked. */
export interface HeldSlots {
  readonly granted: true;
  readonly slots: readonly Slot[];
  readonly local: SlotLease;
  shared: SlotLease | undefined;
  released: boolean;
}

/** Either slots, or the key of the first that was full. */
export type Taken = HeldSlots | { readonly granted: false; readonly key: string };

/**
 * Takes slots in this process first, then in the store that several machines share. A local no is final; when the store
 * cannot be asked the local yes stands, so that a store that is down makes a limit neither unlimited nor closed.
 *
 * What is held in the store runs out by itself when this process dies. Until then one timer for all renews it, three
 * times per `leaseMs`; it does not keep the process alive.
 */
export class SlotHolder {
  readonly #local: MemoryStore;
  readonly #shared: Store | undefined;
  readonly #leaseMs: number;
  readonly #renewing = new Set<HeldSlots>();
  #timer: NodeJS.Timeout | undefined;

  /** @param maxKeys - the most keys that can be held at once */
  constructor(maxKeys: number, shared: Store | undefined, leaseMs: number) {
    this.#local = new MemoryStore({ maxKeys });
    this.#shared = shared;
    this.#leaseMs = leaseMs;
  }

  /** Never rejects. */
  take(slots: readonly Slot[]): Awaitable<Taken> {
    const here = this.#local.acquire(slots, FOREVER_MS);
    if (!here.granted) return here;
    const held: HeldSlots = { granted: true, slots, local: here.lease, shared: undefined, released: false };
    if (this.#shared === undefined) return held;
    try {
      const there = this.#shared.acquire(slots, this.#leaseMs);
      if (!isPending(there)) return this.#agree(held, there);
      return there.then(
        (result) => this.#agree(held, result),
        () => held,
      );
    } catch {
      return held;
    }
  }

  /** A second call does nothing. */
  giveBack(held: HeldSlots): void {
    if (held.released) return;
    held.released = true;
    this.#local.release(held.local);
    if (held.shared !== undefined) this.#forget(held, held.shared);
  }

  #agree(held: HeldSlots, there: AcquireResult): Taken {
    if (!there.granted) {
      held.released = true;
      this.#local.release(held.local);
      return { granted: false, key: there.key };
    }
    held.shared = there.lease;
    this.#renewing.add(held);
    this.#timer ??= setInterval(() => this.#renewAll(), Math.ceil(this.#leaseMs / 3)).unref();
    return held;
  }

  #forget(held: HeldSlots, lease: SlotLease): void {
    this.#renewing.delete(held);
    if (this.#renewing.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    // If this fails, the lease runs out.
    settle(() => this.#shared?.release(lease));
  }

  #renewAll(): void {
    for (const held of this.#renewing) settle(() => this.#renew(held));
  }

  async #renew(held: HeldSlots): Promise<void> {
    if (this.#shared === undefined || held.shared === undefined) return;
    if ((await this.#shared.renew(held.shared, this.#leaseMs)) || held.released) return;
    // It ran out while this process stood still, and the connection is still there: it counts, full or not.
    const slots = held.slots.map(({ key }) => ({ key, limit: Number.MAX_SAFE_INTEGER }));
    const again = await this.#shared.acquire(slots, this.#leaseMs);
    if (!again.granted) return;
    held.shared = again.lease;
    if (held.released) this.#forget(held, again.lease);
  }
}

/** Whatever becomes of it: a store that cannot be asked is no fault of the caller. */
function settle(action: () => Awaitable<unknown>): void {
  try {
    const result = action();
    if (isPending(result)) result.then(undefined, () => {});
  } catch {}
}
