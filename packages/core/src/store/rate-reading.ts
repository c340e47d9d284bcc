import type { Expiring } from './expiring-map.ts';

/** What was charged to one key under one algorithm, as it was left. What the numbers mean is the algorithm's affair. */
export interface RateState extends Expiring {
  /** The moment, or the start of the window, at which `spent` stands. */
  readonly at: number;
  /** Of the limit under which it was charged. */
  readonly perMs: number;
  readonly spent: number;
  /** What the window before had. */
  readonly spentBefore: number;
}

/** A state as one charge sees it at one moment. */
export interface RateReading {
  /** What could still be spent at once. */
  readonly remaining: number;
  /** Whole milliseconds until the cost fits: 0 if it does, `Infinity` if it never can. */
  readonly retryAfterMs: number;
  /** The state after the charge. */
  spend(): RateState;
  /** The state after the charge was taken back, as far as there is something to take back. */
  giveBack(): RateState;
}
