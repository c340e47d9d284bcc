import { capacityOf, type RateAlgorithm, RateState } from './rate-state.ts';
import type { Charge } from './store.ts';

export type Kept = RateState & { expiresAt: number };

/** A state as one charge sees it at one moment, for the tests of every algorithm. */
export class TestReading {
  readonly #algorithm: RateAlgorithm;
  readonly #charge: Charge;
  readonly #now: number;
  readonly #state: RateState;

  constructor(algorithm: RateAlgorithm, charge: Charge, state: RateState | undefined, now: number) {
    this.#algorithm = algorithm;
    this.#charge = charge;
    this.#now = now;
    this.#state = Object.assign(new RateState(), state);
    algorithm.settle(this.#state, charge, now);
  }

  get #room(): number {
    const { perMs } = this.#charge;
    return capacityOf(this.#charge) * perMs - this.#algorithm.weight(this.#state, this.#charge, this.#now);
  }

  get remaining(): number {
    return Math.max(0, this.#room / this.#charge.perMs);
  }

  get retryAfterMs(): number {
    const { cost, perMs } = this.#charge;
    if (cost > capacityOf(this.#charge)) return Number.POSITIVE_INFINITY;
    if (cost === 0 || cost * perMs <= this.#room) return 0;
    return this.#algorithm.waitMs(this.#state, this.#charge, this.#now, cost);
  }

  spend(): Kept {
    this.#algorithm.spend(this.#state, this.#charge, this.#charge.cost);
    return this.#kept();
  }

  giveBack(): Kept {
    this.#algorithm.giveBack(this.#state, this.#charge, this.#charge.cost);
    return this.#kept();
  }

  #kept(): Kept {
    return Object.assign(new RateState(), this.#state, {
      expiresAt: this.#algorithm.expiresAt(this.#state, this.#charge),
    });
  }
}
