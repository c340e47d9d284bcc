import type { RateReading, RateState } from './rate-reading.ts';
import type { RateCharge } from './store.ts';

/**
 * The generic cell rate algorithm (ITU-T I.371) as the leaky bucket that it equals: what was spent is a debt, which is paid
 * off with `count` per `perMs`, and no charge may raise it above `burst`.
 *
 * The debt is kept in cost × milliseconds: a charge adds `cost × perMs`, a millisecond takes `count` away. So for whole
 * numbers each step is exact up to 2^53, where an arrival time in fractions of milliseconds would drift.
 */
export class GcraReading implements RateReading {
  readonly #charge: RateCharge;
  readonly #now: number;
  readonly #debt: number;

  constructor(charge: RateCharge, state: RateState | undefined, now: number) {
    this.#charge = charge;
    this.#now = now;
    this.#debt = state === undefined ? 0 : debtAt(now, charge, state);
  }

  get remaining(): number {
    const { burst, perMs } = this.#charge;
    return Math.max(0, (burst * perMs - this.#debt) / perMs);
  }

  get retryAfterMs(): number {
    const { cost, burst, perMs, count } = this.#charge;
    if (cost > burst) return Number.POSITIVE_INFINITY;
    const excess = this.#debt + cost * perMs - burst * perMs;
    return cost > 0 && excess > 0 ? Math.ceil(excess / count) : 0;
  }

  spend(): RateState {
    return this.#state(this.#debt + this.#charge.cost * this.#charge.perMs);
  }

  giveBack(): RateState {
    return this.#state(Math.max(0, this.#debt - this.#charge.cost * this.#charge.perMs));
  }

  #state(debt: number): RateState {
    const { perMs, count } = this.#charge;
    return { at: this.#now, perMs, spent: debt, spentBefore: 0, expiresAt: this.#now + debt / count };
  }
}

function debtAt(now: number, { perMs, count }: RateCharge, state: RateState): number {
  // The same debt in the unit of a limit that was changed meanwhile.
  const debt = state.perMs === perMs ? state.spent : (state.spent / state.perMs) * perMs;
  // A clock that went back pays nothing off.
  return Math.max(0, debt - Math.max(0, now - state.at) * count);
}
