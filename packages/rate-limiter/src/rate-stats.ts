/** How one limit fared: what an operator needs to set its numbers better. */
export interface RateStats {
  readonly name: string;
  /** Calls that were charged to it. */
  readonly allowed: number;
  /** Of these, the calls that left a fifth of the limit or less. */
  readonly nearRefusals: number;
  /** Calls that it refused. */
  readonly refusals: number;
  /** The highest use of it by one key, as a share of the most that fits at once: 0 to 1. */
  readonly peak: number;
}

/** From this share of a limit on, a call that was allowed came near a refusal. */
export const NEAR = 0.8;

/** Counts for one limit. */
export class RateCounter {
  readonly #name: string;
  readonly #capacity: number;
  #allowed = 0;
  #nearRefusals = 0;
  #refusals = 0;
  #peak = 0;

  constructor(name: string, capacity: number) {
    this.#name = name;
    this.#capacity = capacity;
  }

  count(allowed: boolean, remaining: number, retryAfterMs: number): void {
    if (retryAfterMs > 0) this.#refusals++;
    if (!allowed) return;
    this.#allowed++;
    const use = 1 - Math.min(1, remaining / this.#capacity);
    if (use >= NEAR) this.#nearRefusals++;
    if (use > this.#peak) this.#peak = use;
  }

  read(): RateStats {
    return {
      name: this.#name,
      allowed: this.#allowed,
      nearRefusals: this.#nearRefusals,
      refusals: this.#refusals,
      peak: this.#peak,
    };
  }

  reset(): void {
    this.#allowed = 0;
    this.#nearRefusals = 0;
    this.#refusals = 0;
    this.#peak = 0;
  }
}
