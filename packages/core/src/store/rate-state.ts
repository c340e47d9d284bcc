import type { RateCharge, WindowCharge } from './store.ts';

/** What a charge says of its limit: everything but the key and the cost. */
export type Rate = Omit<RateCharge, 'key' | 'cost'> | Omit<WindowCharge, 'key' | 'cost'>;

/** What was charged to one key under one algorithm. What the numbers mean is the algorithm's affair; all 0 is nothing. */
export class RateState {
  /** The moment, or the start of the window, at which `spent` stands. */
  at = 0;
  spent = 0;
  /** What the window before had. */
  spentBefore = 0;
  /** Of the limit under which it was charged, rounded to single precision. */
  perMs = 0;
  /** For so long behind `at` the key is at its limit, and is not forgotten. Never rounded down. */
  hotMs = 0;
  /** For so long behind `at` there is something to know. Never rounded down. */
  liveMs = 0;
  /** Which part of the limit was used at `at`: 0 to 1. */
  share = 0;

  clear(): void {
    this.at = 0;
    this.spent = 0;
    this.spentBefore = 0;
    this.perMs = 0;
    this.hotMs = 0;
    this.liveMs = 0;
    this.share = 0;
  }
}

/**
 * The arithmetic of one algorithm, on a state that it changes. Time never goes back here. What is spent is compared in
 * cost × milliseconds (its weight), so that whole numbers are exact up to 2^53.
 */
export interface RateAlgorithm {
  /** Tells the states of one key apart. */
  readonly code: number;
  /** Brings the state to this moment and to the limit of the charge. All else expects that it was called. */
  settle(state: RateState, rate: Rate, now: number): void;
  /** What counts now. */
  weight(state: RateState, rate: Rate, now: number): number;
  /** Milliseconds until a cost fits that does not fit now and is no larger than the limit. */
  waitMs(state: RateState, rate: Rate, now: number, cost: number): number;
  /** Adds the cost: `cost × perMs` to the weight. */
  spend(state: RateState, rate: Rate, cost: number): void;
  /** Takes the cost back, as far as there is something to take back. */
  giveBack(state: RateState, rate: Rate, cost: number): void;
  /** When nothing counts any more; `now` or earlier if nothing does now. */
  expiresAt(state: RateState, rate: Rate): number;
}

/** The most that can be spent at once. */
export function capacityOf(rate: Rate): number {
  return rate.algorithm === 'gcra' ? rate.burst : rate.count;
}

/** For `hotMs` and `liveMs`: no less than this, after rounding to single precision too. */
export function roundedUp(ms: number): number {
  return ms * (1 + 2 ** -23);
}
