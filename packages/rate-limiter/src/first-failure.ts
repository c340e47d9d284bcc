import type { Charge, ChargeState } from '@postern/core';

/** What an attempt costs; and twice as much fits, so that the key is not at its limit by one attempt and can be forgotten. */
const COST = 1;
const ROOM = 2;
/** Once it has failed, a client is clean again after this time. */
const STAINED_MS = 86_400_000;

/**
 * Whether a client has failed at an account within the last day. An attempt is charged before it is made, as if it had
 * failed, and a success takes that back: of attempts that are made at once, one is the first.
 */
export class FirstFailure {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** Asks without charging: `isClean` reads the answer. */
  get question(): Charge {
    return this.#charge(0);
  }

  /** Charges an attempt: `wasFirst` reads the answer. */
  get attempt(): Charge {
    return this.#charge(COST);
  }

  /** Nothing is left of an attempt, but for what a store may round. */
  isClean(state: ChargeState | undefined): boolean {
    return state !== undefined && state.remaining > ROOM - COST / 1_000;
  }

  /** A second one leaves nothing. */
  wasFirst(state: ChargeState | undefined): boolean {
    return state !== undefined && state.remaining > ROOM - 1.5 * COST;
  }

  #charge(cost: number): Charge {
    return { algorithm: 'gcra', key: this.#key, cost, count: COST, perMs: STAINED_MS, burst: ROOM };
  }
}
