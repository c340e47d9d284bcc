import type { Charge } from '@postern/core';

/** How failures turn into delays. */
export interface DelayScale {
  /** So many attempts may fail one after the other before the first delay. */
  readonly free: number;
  /** The first delay; each further failure doubles it. Milliseconds. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** In so many milliseconds one failure is forgotten. */
  readonly decayMs: number;
}

/**
 * The failures of one client, account or pair. There are two keys in the store: a count, of which one failure is forgotten
 * in `decayMs`, and a gate, which is shut for as long as the delay is. An attempt charges both before it is made, as if it
 * had failed already, and a success takes that back: so guesses that are made at once all meet the count that the first of
 * them has raised, and at most `free` of them pass before there is a delay.
 */
export class FailureCount {
  readonly #scale: DelayScale;
  readonly #key: string;
  /** More failures than this lengthen no delay: they are not counted, so that forgetting takes a bounded time. */
  readonly #ceiling: number;

  constructor(key: string, scale: DelayScale) {
    this.#key = key;
    this.#scale = scale;
    this.#ceiling = scale.free + Math.ceil(Math.log2(scale.maxDelayMs / scale.baseDelayMs));
  }

  get keys(): readonly string[] {
    return [`${this.#key}:count`, `${this.#key}:gate`];
  }

  /** Asks for the count without raising it: `failuresOf` reads the answer. */
  get question(): Charge {
    return this.#count(0, this.#ceiling + 1);
  }

  /** @param remaining - of the answer to `question` */
  failuresOf(remaining: number): number {
    return Math.max(0, this.#ceiling + 1 - remaining);
  }

  /** Milliseconds until the next attempt when this one fails too. */
  delayAfter(failures: number): number {
    const { free, baseDelayMs, maxDelayMs } = this.#scale;
    const next = Math.ceil(failures) + 1;
    return next < free ? 0 : Math.min(maxDelayMs, baseDelayMs * 2 ** (next - free));
  }

  /** What an attempt costs, when there have been so many failures. */
  chargesFor(failures: number): readonly Charge[] {
    const delayMs = this.delayAfter(failures);
    // If others were faster, this is refused, and one asks again.
    if (delayMs === 0) return [this.#count(1, this.#scale.free - 1)];
    const cost = Math.min(1, Math.max(0, this.#ceiling - failures));
    return [
      this.#count(cost, this.#ceiling + 1),
      // Passes only when all is paid off, and then owes the whole delay, a millisecond for a millisecond.
      { algorithm: 'gcra', key: `${this.#key}:gate`, cost: delayMs, count: 1, perMs: 1, burst: delayMs },
    ];
  }

  #count(cost: number, burst: number): Charge {
    return { algorithm: 'gcra', key: `${this.#key}:count`, cost, count: 1, perMs: this.#scale.decayMs, burst };
  }
}
