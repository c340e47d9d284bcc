import { type Clock, isClock, OptionReader, systemClock } from '@postern/core';

/** How long, and how many at once. */
export interface TarpitOptions {
  /** The most clients that are held at once; whoever comes then is not delayed. From 0 to 1,000,000. Default 100. */
  readonly maxHeld?: number;
  /** The longest delay. Milliseconds from 0 to 300,000, which is how long clients wait for a reply. Default 10,000. */
  readonly maxDelayMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** A place in the tarpit. */
export interface TarpitHold {
  /** Milliseconds to hold the client for; 0 when there was no place. */
  readonly delayMs: number;
  /** The client is not held any more. Without this call the place comes free when the delay is over. */
  release(): void;
}

interface Held {
  /** `undefined`: until it is released, whatever the clock says. */
  readonly until: number | undefined;
}

/**
 * Penalty delays. A held client costs a socket and a few hundred bytes, and may well be held on purpose of its own: so
 * the number of clients that are held at once is bounded, and over the bound nobody is delayed. The tarpit never refuses
 * and never becomes what takes the server down.
 *
 * @example
 * ```ts
 * import { Tarpit } from '@postern/rate-limiter';
 *
 * const tarpit = new Tarpit({ maxHeld: 50 });
 * await tarpit.delay(2_000); // true: two seconds later
 * ```
 */
export class Tarpit {
  readonly #maxHeld: number;
  readonly #maxDelayMs: number;
  readonly #clock: Clock;
  readonly #places = new Set<Held>();

  /** @throws TypeError or RangeError that names the option */
  constructor(options?: TarpitOptions) {
    const read = new OptionReader('Tarpit', options);
    this.#maxHeld = read.integer('maxHeld', 100, { min: 0, max: 1_000_000 });
    this.#maxDelayMs = read.integer('maxDelayMs', 10_000, { min: 0, max: 300_000 });
    this.#clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    read.done();
  }

  /** Clients that are held now. */
  get held(): number {
    this.#dropOver();
    return this.#places.size;
  }

  /**
   * Waits for `ms` milliseconds, at most `maxDelayMs`, or until the signal fires. Resolves to whether it waited to the
   * end: `false` when there was no place, at once. Rejects only with a RangeError, unless `ms` is a finite number ≥ 0.
   */
  async delay(ms: number, signal?: AbortSignal): Promise<boolean> {
    const delayMs = this.#bounded(ms);
    if (signal?.aborted || !this.#hasPlaceFor(delayMs)) return false;
    const place: Held = { until: undefined };
    this.#places.add(place);
    const waited = await new Promise<boolean>((resolve) => {
      const end = (toTheEnd: boolean): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        resolve(toTheEnd);
      };
      const onAbort = (): void => end(false);
      const timer = setTimeout(end, delayMs, true).unref();
      signal?.addEventListener('abort', onAbort);
    });
    this.#places.delete(place);
    return waited;
  }

  /**
   * A place for a client that somebody else holds, a gateway by the `delayMs` of an opinion for instance.
   *
   * @throws RangeError unless `ms` is a finite number ≥ 0
   */
  hold(ms: number): TarpitHold {
    const delayMs = this.#bounded(ms);
    if (!this.#hasPlaceFor(delayMs)) return NO_HOLD;
    const place: Held = { until: this.#clock.now() + delayMs };
    this.#places.add(place);
    return { delayMs, release: () => void this.#places.delete(place) };
  }

  #bounded(ms: number): number {
    if (!(Number.isFinite(ms) && ms >= 0)) throw new RangeError('Tarpit: ms must be a finite number ≥ 0');
    return Math.min(Math.ceil(ms), this.#maxDelayMs);
  }

  #hasPlaceFor(delayMs: number): boolean {
    if (delayMs === 0) return false;
    if (this.#places.size >= this.#maxHeld) this.#dropOver();
    return this.#places.size < this.#maxHeld;
  }

  #dropOver(): void {
    const now = this.#clock.now();
    for (const place of this.#places) {
      if (place.until === undefined) continue;
      // Also what a clock that went back would keep for longer than any delay.
      if (place.until <= now || place.until > now + this.#maxDelayMs) this.#places.delete(place);
    }
  }
}

const NO_HOLD: TarpitHold = { delayMs: 0, release: () => {} };
