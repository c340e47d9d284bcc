import type { Charge } from '@postern/core';

/**
 * Whether a local no may stand without asking Redis. It may when every reset and refund elsewhere has been heard of since
 * the state on which it stands began. After an interruption that takes as long as a charge can be remembered.
 */
export class LocalCertainty {
  /** `performance.now()` since when all news have come; `Infinity` while they do not come. */
  #since = Number.POSITIVE_INFINITY;
  #everHeard = false;

  /** News come from now on. Before the first time nothing can have been missed: nothing had been charged here. */
  heard(): void {
    if (this.#since !== Number.POSITIVE_INFINITY) return;
    this.#since = this.#everHeard ? performance.now() : Number.NEGATIVE_INFINITY;
    this.#everHeard = true;
  }

  /** News may be missed from now on. */
  lost(): void {
    this.#everHeard = true;
    this.#since = Number.POSITIVE_INFINITY;
  }

  covers(charges: readonly Charge[]): boolean {
    if (this.#since === Number.NEGATIVE_INFINITY) return true;
    const heardForMs = performance.now() - this.#since;
    return charges.every((charge) => heardForMs >= memoryMs(charge));
  }
}

/** How long a charge can count. */
function memoryMs(charge: Charge): number {
  return charge.algorithm === 'gcra' ? (charge.burst * charge.perMs) / charge.count : 2 * charge.perMs;
}
