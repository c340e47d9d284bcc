import type { RateReading, RateState } from './rate-reading.ts';
import type { WindowCharge } from './store.ts';

/** Where the window of `perMs` that `now` lies in begins: at a multiple of its length, for every key alike. */
function windowStart(now: number, perMs: number): number {
  return Math.floor(now / perMs) * perMs;
}

/**
 * `count` in each window. Up to twice as much can pass in a short time: at the end of one window and the start of the next.
 * A state from another window, or from windows of another length, counts for nothing.
 */
export class FixedWindowReading implements RateReading {
  readonly #charge: WindowCharge;
  readonly #now: number;
  readonly #start: number;
  readonly #spent: number;

  constructor(charge: WindowCharge, state: RateState | undefined, now: number) {
    this.#charge = charge;
    this.#now = now;
    this.#start = windowStart(now, charge.perMs);
    this.#spent = state?.perMs === charge.perMs && state.at === this.#start ? state.spent : 0;
  }

  get remaining(): number {
    return Math.max(0, this.#charge.count - this.#spent);
  }

  get retryAfterMs(): number {
    const { cost, count, perMs } = this.#charge;
    if (cost > count) return Number.POSITIVE_INFINITY;
    return cost > 0 && this.#spent + cost > count ? Math.ceil(this.#start + perMs - this.#now) : 0;
  }

  spend(): RateState {
    return this.#state(this.#spent + this.#charge.cost);
  }

  giveBack(): RateState {
    return this.#state(Math.max(0, this.#spent - this.#charge.cost));
  }

  #state(spent: number): RateState {
    const { perMs } = this.#charge;
    const expiresAt = spent > 0 ? this.#start + perMs : this.#now;
    return { at: this.#start, perMs, spent, spentBefore: 0, expiresAt };
  }
}

/**
 * `count` in the last `perMs`, nearly: what was spent in the fixed window before counts in proportion to how much of that
 * window lies within the last `perMs`, as if it had been spent evenly. Compared in cost × milliseconds, so that whole
 * numbers are exact up to 2^53. Windows of another length count for nothing.
 */
export class SlidingWindowReading implements RateReading {
  readonly #charge: WindowCharge;
  readonly #now: number;
  readonly #start: number;
  readonly #spent: number;
  readonly #spentBefore: number;

  constructor(charge: WindowCharge, state: RateState | undefined, now: number) {
    this.#charge = charge;
    this.#now = now;
    this.#start = windowStart(now, charge.perMs);
    const same = state?.perMs === charge.perMs && state.at === this.#start;
    const next =
      state?.perMs === charge.perMs && state.at === windowStart(this.#start - charge.perMs / 2, charge.perMs);
    this.#spent = same ? state.spent : 0;
    if (same) this.#spentBefore = state.spentBefore;
    else this.#spentBefore = next ? state.spent : 0;
  }

  get remaining(): number {
    const { count, perMs } = this.#charge;
    return Math.max(0, (count * perMs - this.#weight) / perMs);
  }

  get retryAfterMs(): number {
    const { cost, count, perMs } = this.#charge;
    if (cost > count) return Number.POSITIVE_INFINITY;
    if (cost === 0 || this.#weight + cost * perMs <= count * perMs) return 0;
    const left = this.#start + perMs - this.#now;
    // With what was spent in this window alone it would fit: the share of the window before has to shrink.
    const room = count - cost - this.#spent;
    if (room >= 0) return Math.ceil(left - (room * perMs) / this.#spentBefore);
    // It fits in the next window, when this one's share has shrunk.
    return Math.ceil(left + perMs - ((count - cost) * perMs) / this.#spent);
  }

  spend(): RateState {
    return this.#state(this.#spent + this.#charge.cost, this.#spentBefore);
  }

  giveBack(): RateState {
    const { cost } = this.#charge;
    const fromThis = Math.min(cost, this.#spent);
    return this.#state(this.#spent - fromThis, Math.max(0, this.#spentBefore - (cost - fromThis)));
  }

  /** What counts now, in cost × milliseconds. */
  get #weight(): number {
    const { perMs } = this.#charge;
    return this.#spentBefore * (this.#start + perMs - this.#now) + this.#spent * perMs;
  }

  #state(spent: number, spentBefore: number): RateState {
    const { perMs } = this.#charge;
    let expiresAt = this.#now;
    if (spent > 0) expiresAt = this.#start + 2 * perMs;
    else if (spentBefore > 0) expiresAt = this.#start + perMs;
    return { at: this.#start, perMs, spent, spentBefore, expiresAt };
  }
}
