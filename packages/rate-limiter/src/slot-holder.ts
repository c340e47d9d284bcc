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
/** A store that has not answered in this time cannot be asked. */
const PATIENCE_MS = 1_000;

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
 * cannot be asked, or does not answer within a second, the local yes stands, so that a store that is down makes a limit
 * neither unlimited nor closed, and one that hangs holds nothing up.
 *
 * What is held in the store runs out by itself when this process dies. Until then one timer for all renews it, three
 * times per `leaseMs`, and enters there what is held here alone; it does not keep the process alive.
 */
export class SlotHolder {
  readonly #local: MemoryStore;
  readonly #shared: Store | undefined;
  readonly #leaseMs: number;
  readonly #held = new Set<HeldSlots>();
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
      return isPending(there) ? this.#inTime(held, there) : this.#agree(held, there);
    } catch {
      return this.#keep(held);
    }
  }

  /** A second call does nothing. */
  giveBack(held: HeldSlots): void {
    if (held.released) return;
    held.released = true;
    this.#local.release(held.local);
    this.#held.delete(held);
    if (this.#held.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    if (held.shared !== undefined) this.#release(held.shared);
  }

  #inTime(held: HeldSlots, asked: Promise<AcquireResult>): Promise<Taken> {
    return new Promise((resolve) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        resolve(this.#keep(held));
      }, PATIENCE_MS).unref();
      asked.then(
        (there) => {
          clearTimeout(timer);
          if (late) this.#adopt(held, there);
          else resolve(this.#agree(held, there));
        },
        () => {
          clearTimeout(timer);
          if (!late) resolve(this.#keep(held));
        },
      );
    });
  }

  #agree(held: HeldSlots, there: AcquireResult): Taken {
    if (!there.granted) {
      held.released = true;
      this.#local.release(held.local);
      return { granted: false, key: there.key };
    }
    held.shared = there.lease;
    return this.#keep(held);
  }

  #keep(held: HeldSlots): HeldSlots {
    this.#held.add(held);
    this.#timer ??= setInterval(() => this.#renewAll(), Math.ceil(this.#leaseMs / 3)).unref();
    return held;
  }

  /** A lease that comes for slots which are held here already, if they still are and need one. */
  #adopt(held: HeldSlots, there: AcquireResult): void {
    if (!there.granted) return;
    if (held.released || held.shared !== undefined) this.#release(there.lease);
    else held.shared = there.lease;
  }

  /** If this fails, the lease runs out. */
  #release(lease: SlotLease): void {
    settle(() => this.#shared?.release(lease));
  }

  #renewAll(): void {
    for (const held of this.#held) settle(() => this.#renew(held));
  }

  async #renew(held: HeldSlots): Promise<void> {
    if (this.#shared === undefined) return;
    if (held.shared !== undefined && (await this.#shared.renew(held.shared, this.#leaseMs))) return;
    if (held.released) return;
    // It ran out while this process stood still, or the store could not be asked, and the connection is still there: it
    // counts, full or not.
    held.shared = undefined;
    const slots = held.slots.map(({ key }) => ({ key, limit: Number.MAX_SAFE_INTEGER }));
    this.#adopt(held, await this.#shared.acquire(slots, this.#leaseMs));
  }
}

/** Whatever becomes of it: a store that cannot be asked is no fault of the caller. */
function settle(action: () => Awaitable<unknown>): void {
  try {
    const result = action();
    if (isPending(result)) result.then(undefined, () => {});
  } catch {}
}
