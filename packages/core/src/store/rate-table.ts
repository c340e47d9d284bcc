import { gcra } from './gcra.ts';
import { KeyFingerprint } from './key-fingerprint.ts';
import { RateSlots } from './rate-slots.ts';
import { capacityOf, type Rate, type RateAlgorithm, RateState, roundedUp } from './rate-state.ts';
import type { Charge, ChargeResult, ChargeState } from './store.ts';
import { fixedWindow, slidingWindow } from './window.ts';

/**
 * What was charged to keys, in the memory of one process. One key under several algorithms has a state for each.
 *
 * Memory is fixed: at most `maxKeys` states of 62 bytes (keys are kept as a fingerprint, see `KeyFingerprint`). At that
 * bound:
 *
 * - A key that is at its limit (a cost of 1 does not fit), or whose last charge was refused and would be refused still, is
 *   never forgotten, whatever else comes.
 * - Of the others, the least dangerous of 8 is forgotten for a new key: one of which nothing is left to know, or else the
 *   one that has used the smallest part of its limit.
 * - When 64 in a row may not be forgotten, new keys are refused like one key that is at its limit, until the first of the
 *   64 is below it. So nobody gets free by flooding the table, neither as an old key nor as a new one.
 *
 * Time never goes back: a clock that does is taken to have stood still, so a jump back neither pays anything off nor
 * keeps anybody out for longer. Windows then start at other moments than multiples of their length.
 */
export class RateTable {
  readonly #slots: RateSlots;
  readonly #fingerprint = new KeyFingerprint();
  readonly #state = new RateState();
  /** How the states stood before the present call, in the order of its charges. Kept for the next call. */
  readonly #before: RateState[] = [];
  #lastNow = Number.NEGATIVE_INFINITY;
  #wentBackMs = 0;
  /** What `chargeOne` tells besides: what could still be spent at once. */
  remaining = 0;
  /** Milliseconds until the cost that it refused would fit. */
  retryAfterMs = 0;

  /** @param maxKeys - the most states */
  constructor(maxKeys: number) {
    this.#slots = new RateSlots(maxKeys);
  }

  /**
   * Makes all charges or none, as `Store.charge` does. What a charge may be is not checked here: see `assertCharge`.
   *
   * @param scopes - of each charge, a whole number from 0 to 2^24 - 1: the same key under another one is another key.
   *   Default: 0
   */
  charge(charges: readonly Charge[], now: number, scopes?: readonly number[]): ChargeResult {
    const [only] = charges;
    if (only === undefined || charges.length > 1) return this.#chargeAll(charges, this.#time(now), scopes);
    const { key, cost } = only;
    const allowed = this.chargeOne(only, key, cost, now, scopes?.[0] ?? 0);
    return { allowed, states: [{ key, remaining: this.remaining, retryAfterMs: this.retryAfterMs }] };
  }

  /**
   * The same for one charge, without making an object: `remaining` and `retryAfterMs` stand in the table until the next
   * charge.
   *
   * @returns whether it was made
   */
  chargeOne(rate: Rate, key: string, cost: number, now: number, scope: number): boolean {
    const time = this.#time(now);
    const algorithm = algorithmOf(rate);
    const state = this.#state;
    const { perMs } = rate;
    const capacity = capacityOf(rate);
    const most = capacity * perMs;
    this.#fingerprint.take(key, scope * arithmetic.length + algorithm.code);
    let slot = this.#slots.find(this.#fingerprint);
    if (slot < 0) state.clear();
    else this.#slots.read(slot, state);
    algorithm.settle(state, rate, time);
    let used = algorithm.weight(state, rate, time);
    let wait = 0;
    if (cost > capacity || used + cost * perMs > most) {
      wait = waitMs(state, algorithm, rate, time, cost, used);
      if (slot >= 0 && wait > 0 && wait < Number.POSITIVE_INFINITY) this.#slots.keepHot(slot, time + wait);
    } else if (cost > 0) {
      if (slot < 0) slot = this.#slots.add(this.#fingerprint, time);
      if (slot < 0) {
        wait = this.#waitForPlace();
        used = most;
      } else {
        algorithm.spend(state, rate, cost);
        used += cost * perMs;
        this.#write(slot, algorithm, rate, time, used);
      }
    }
    this.remaining = Math.max(0, (most - used) / perMs);
    this.retryAfterMs = wait;
    return wait === 0;
  }

  refund(charges: readonly Charge[], now: number, scopes?: readonly number[]): void {
    const time = this.#time(now);
    charges.forEach((charge, index) => {
      const algorithm = algorithmOf(charge);
      const slot = this.#find(algorithm, charge.key, scopes?.[index] ?? 0);
      if (slot < 0) return;
      this.#read(slot, algorithm, charge, time);
      algorithm.giveBack(this.#state, charge, charge.cost);
      this.#write(slot, algorithm, charge, time, algorithm.weight(this.#state, charge, time));
    });
  }

  reset(keys: readonly string[], scope: number = 0): void {
    for (const key of keys) {
      for (const algorithm of arithmetic) {
        const slot = this.#find(algorithm, key, scope);
        if (slot >= 0) this.#slots.remove(slot, this.#state);
      }
    }
  }

  /**
   * Each charge is made in turn, on top of those before it: a key may be charged twice. How its slot stood is kept, to be
   * put back if one is refused. The slots are hot as long as the call lasts, so that none of its keys pushes out another.
   */
  #chargeAll(charges: readonly Charge[], time: number, scopes: readonly number[] | undefined): ChargeResult {
    const state = this.#state;
    const waits: number[] = [];
    const slots: number[] = [];
    const added: boolean[] = [];
    let withoutPlace = -1;
    let allowed = true;
    for (const [index, charge] of charges.entries()) {
      const algorithm = algorithmOf(charge);
      let slot = this.#find(algorithm, charge.key, scopes?.[index] ?? 0);
      const isNew = slot < 0;
      if (!isNew) this.#slots.load(slot, this.#beforeOf(index));
      const used = this.#read(slot, algorithm, charge, time);
      let wait = waitMs(state, algorithm, charge, time, charge.cost, used);
      if (allowed && wait === 0 && charge.cost > 0) {
        if (isNew) slot = this.#slots.add(this.#fingerprint, time);
        if (slot < 0) {
          withoutPlace = index;
          wait = this.#waitForPlace();
        } else {
          algorithm.spend(state, charge, charge.cost);
          this.#slots.save(slot, state);
        }
      }
      if (slot >= 0) this.#slots.keepHot(slot, Number.POSITIVE_INFINITY);
      if (wait > 0) allowed = false;
      waits.push(wait);
      slots.push(slot);
      added.push(isNew && slot >= 0);
    }
    if (!allowed) this.#putBack(slots, added);
    const states = charges.map((charge, index): ChargeState => {
      const algorithm = algorithmOf(charge);
      let slot = slots[index] ?? -1;
      // A cost of 0 makes no slot, but another charge of the same key may have.
      if (slot < 0) slot = this.#find(algorithm, charge.key, scopes?.[index] ?? 0);
      const wait = waits[index] ?? 0;
      const used = this.#read(slot, algorithm, charge, time);
      if (allowed && slot >= 0) this.#write(slot, algorithm, charge, time, used);
      else if (slot >= 0 && wait < Number.POSITIVE_INFINITY) this.#slots.keepHot(slot, time + wait);
      return {
        key: charge.key,
        remaining: index === withoutPlace ? 0 : remaining(charge, used),
        retryAfterMs: wait,
      };
    });
    return { allowed, states };
  }

  /** The last first: of a key that was charged twice, the first kept how it stood before the call. */
  #putBack(slots: readonly number[], added: readonly boolean[]): void {
    for (let index = slots.length - 1; index >= 0; index--) {
      const slot = slots[index] ?? -1;
      if (added[index]) this.#slots.remove(slot, this.#state);
      else if (slot >= 0) this.#slots.save(slot, this.#beforeOf(index));
    }
  }

  #beforeOf(index: number): RateState {
    const before = this.#before[index] ?? new RateState();
    this.#before[index] = before;
    return before;
  }

  #find(algorithm: RateAlgorithm, key: string, scope: number): number {
    this.#fingerprint.take(key, scope * algorithms.length + algorithm.code);
    return this.#slots.find(this.#fingerprint);
  }

  /**
   * The state of a slot as the charge sees it now; -1 is that of a key which was never charged.
   *
   * @returns its weight
   */
  #read(slot: number, algorithm: RateAlgorithm, rate: Rate, time: number): number {
    if (slot < 0) this.#state.clear();
    else this.#slots.read(slot, this.#state);
    algorithm.settle(this.#state, rate, time);
    return algorithm.weight(this.#state, rate, time);
  }

  #write(slot: number, algorithm: RateAlgorithm, rate: Rate, time: number, used: number): void {
    const state = this.#state;
    const { perMs } = rate;
    const capacity = capacityOf(rate);
    const least = Math.min(1, capacity);
    const hot = used + least * perMs > capacity * perMs;
    state.hotMs = hot ? roundedUp(time + algorithm.waitMs(state, rate, time, least) - state.at) : 0;
    state.liveMs = roundedUp(algorithm.expiresAt(state, rate) - state.at);
    state.share = Math.min(1, used / (capacity * perMs));
    this.#slots.save(slot, state);
  }

  #waitForPlace(): number {
    return Math.max(1, Math.ceil(this.#slots.coolsInMs));
  }

  /** The clock's time, without its jumps back. */
  #time(now: number): number {
    if (now < this.#lastNow) this.#wentBackMs += this.#lastNow - now;
    this.#lastNow = now;
    return now + this.#wentBackMs;
  }
}

const algorithms = ['gcra', 'fixed', 'sliding'] as const satisfies readonly Charge['algorithm'][];

const arithmetic: readonly RateAlgorithm[] = [gcra, fixedWindow, slidingWindow];

function algorithmOf({ algorithm }: Rate): RateAlgorithm {
  if (algorithm === 'gcra') return gcra;
  return algorithm === 'fixed' ? fixedWindow : slidingWindow;
}

/** Whole milliseconds until the cost fits on what was used: 0 if it does, `Infinity` if it never can. */
function waitMs(
  state: RateState,
  algorithm: RateAlgorithm,
  rate: Rate,
  time: number,
  cost: number,
  used: number,
): number {
  const { perMs } = rate;
  const capacity = capacityOf(rate);
  if (cost > capacity) return Number.POSITIVE_INFINITY;
  if (cost === 0 || used + cost * perMs <= capacity * perMs) return 0;
  return Math.max(1, algorithm.waitMs(state, rate, time, cost));
}

/** What could still be spent at once. */
function remaining(rate: Rate, used: number): number {
  const { perMs } = rate;
  return Math.max(0, (capacityOf(rate) * perMs - used) / perMs);
}

/** @throws RangeError on a charge that cannot be meant */
export function assertCharge(call: string, charge: Charge): void {
  const { key, algorithm, cost, count, perMs } = charge;
  if (typeof key !== 'string') throw new RangeError(`${call}: key must be a string`);
  if (!algorithms.includes(algorithm)) {
    throw new RangeError(`${call}: algorithm of ${JSON.stringify(key)} must be "gcra", "fixed" or "sliding"`);
  }
  if (!(Number.isFinite(cost) && cost >= 0)) throw misused(call, charge, 'cost', 'a finite number ≥ 0');
  if (!(Number.isFinite(count) && count > 0)) throw misused(call, charge, 'count', 'a finite number > 0');
  if (!(Number.isFinite(perMs) && perMs > 0)) throw misused(call, charge, 'perMs', 'a finite number > 0');
  if (charge.algorithm === 'gcra' && !(Number.isFinite(charge.burst) && charge.burst > 0)) {
    throw misused(call, charge, 'burst', 'a finite number > 0');
  }
}

function misused(call: string, { key }: Charge, what: string, takes: string): RangeError {
  return new RangeError(`${call}: ${what} of ${JSON.stringify(key.slice(0, 60))} must be ${takes}`);
}
