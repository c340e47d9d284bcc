import type { Clock } from '@postern/core';

/**
 * A clock that stands still until a test moves it.
 *
 * @example
 * ```ts
 * const clock = new FakeClock();
 * const cache = new CachingResolver(upstream, { clock });
 * clock.advance(60_000); // a minute later
 * ```
 */
export class FakeClock implements Clock {
  #now: number;

  /** @param start - milliseconds since the epoch. Default 1,767,225,600,000: the start of the year 2026 (UTC) */
  constructor(start: number = 1_767_225_600_000) {
    this.#now = finite('FakeClock', start);
  }

  now(): number {
    return this.#now;
  }

  /** Moves the clock on by `ms` milliseconds. Below 0 is a `RangeError`: a clock that is put back uses `set`. */
  advance(ms: number): void {
    if (ms < 0) throw new RangeError(`FakeClock: advance takes milliseconds ≥ 0, got ${ms}`);
    this.#now += finite('FakeClock.advance', ms);
  }

  /** Puts the clock to `ms` milliseconds since the epoch, forward or back, as an operator or NTP may do. */
  set(ms: number): void {
    this.#now = finite('FakeClock.set', ms);
  }
}

function finite(owner: string, ms: number): number {
  if (!Number.isFinite(ms)) throw new RangeError(`${owner}: takes a finite number of milliseconds, got ${ms}`);
  return ms;
}
