import type { Awaitable } from '../awaitable.ts';

/**
 * A charge on a named rate. The arithmetic is GCRA (a rate with a burst) or a window; both need only the key's last
 * state, so that one step in memory or one script in Redis settles it. A key that is charged under several algorithms has
 * a state for each; a key that stands twice in one call is charged twice.
 */
export type Charge = RateCharge | WindowCharge;

interface ChargeBase {
  readonly key: string;
  /** What this call costs. Finite, ≥ 0; 0 asks without charging. */
  readonly cost: number;
  /** Cost that may be spent per `perMs`. > 0. */
  readonly count: number;
  /** Milliseconds. > 0. */
  readonly perMs: number;
}

/** GCRA: `count` per `perMs` on average, at most `burst` at once. */
export interface RateCharge extends ChargeBase {
  readonly algorithm: 'gcra';
  /** The most that can be spent at once. > 0. */
  readonly burst: number;
}

/** `count` in each window of `perMs`: `fixed` windows start at multiples of `perMs`, a `sliding` one weighs the window before. */
export interface WindowCharge extends ChargeBase {
  readonly algorithm: 'fixed' | 'sliding';
}

/** The state of one charged key after the call, in the order of the charges. */
export interface ChargeState {
  readonly key: string;
  /** What could still be spent at once. */
  readonly remaining: number;
  /** Milliseconds until the refused cost would fit; 0 if it fits, `Infinity` if it never can. */
  readonly retryAfterMs: number;
}

/** All charges were made, or none was. */
export interface ChargeResult {
  readonly allowed: boolean;
  readonly states: readonly ChargeState[];
}

/** One place of at most `limit` that can be held under a key at once. */
export interface Slot {
  readonly key: string;
  readonly limit: number;
}

/** Held slots. Opaque to the holder, who gives it back to `renew` and `release`. */
export interface SlotLease {
  readonly id: string;
  readonly keys: readonly string[];
}

/** Either every slot is held until the lease is released or runs out, or none is and `key` is the first that was full. */
export type AcquireResult =
  | { readonly granted: true; readonly lease: SlotLease }
  | { readonly granted: false; readonly key: string; readonly held: number };

/** Ends a subscription. */
export type Unsubscribe = () => Awaitable<void>;

/**
 * The primitives of shared state. Each call is atomic: one step in memory, one round trip in Redis. What a rate or a ban
 * means stays in the packages that use it.
 *
 * Misuse (a cost below 0, a limit that is not a number) is a `RangeError`. A store that cannot be asked rejects; its
 * caller decides what unknown does.
 */
export interface Store {
  /** Makes all charges or none. */
  charge(charges: readonly Charge[]): Awaitable<ChargeResult>;
  /** Takes charges back, as far as there is something to take back. */
  refund(charges: readonly Charge[]): Awaitable<void>;
  /** Forgets what was charged to the keys. */
  reset(keys: readonly string[]): Awaitable<void>;

  /** Takes one slot of every key or none. The slots come free by themselves after `leaseMs` without `renew`. */
  acquire(slots: readonly Slot[], leaseMs: number): Awaitable<AcquireResult>;
  /** Holds the slots for another `leaseMs` from now. `false`: the lease had run out. */
  renew(lease: SlotLease, leaseMs: number): Awaitable<boolean>;
  /** Gives the slots back. A second release does nothing. */
  release(lease: SlotLease): Awaitable<void>;

  /** Keeps a value for `ttlMs` milliseconds. */
  remember(key: string, value: Uint8Array, ttlMs: number): Awaitable<void>;
  /** The values of the keys, in their order; `undefined` where there is none. */
  recall(keys: readonly string[]): Awaitable<readonly (Uint8Array | undefined)[]>;
  forget(key: string): Awaitable<void>;

  /** Hands the payload to every present subscriber of the topic, on every machine. Nobody keeps it for later. */
  publish(topic: string, payload: Uint8Array): Awaitable<void>;
  subscribe(topic: string, listener: (payload: Uint8Array) => void): Awaitable<Unsubscribe>;
}
