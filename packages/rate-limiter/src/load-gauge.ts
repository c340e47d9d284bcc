import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Clock, isClock, OptionReader, systemClock } from '@postern/core';

/** When a server counts as overloaded. */
export interface LoadGaugeOptions {
  /**
   * The load, in any unit that `enterAt` and `leaveAt` are in: a queue's length, memory in use. Asked once per `everyMs`
   * at most. What is no finite number, or throws, is no load. Default: by how many milliseconds the event loop is late.
   */
  readonly load?: () => number;
  /** From this load on the server is overloaded. > 0. Default 200 (milliseconds). */
  readonly enterAt?: number;
  /** Below this load it is not any more. At most `enterAt`. Default a quarter of `enterAt`. */
  readonly leaveAt?: number;
  /** How old a reading may be. Milliseconds from 100 to 60,000. Default 1,000. */
  readonly everyMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** How often `node:perf_hooks` looks at the event loop. */
const RESOLUTION_MS = 20;

/**
 * Whether this process has more to do than it can. It takes a reading when it is asked, and needs no timer for that. Two
 * thresholds keep it from changing its mind at every reading.
 */
export class LoadGauge implements Disposable {
  readonly #load: (() => number) | undefined;
  readonly #enterAt: number;
  readonly #leaveAt: number;
  readonly #everyMs: number;
  readonly #clock: Clock;
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #overloaded = false;

  /** @throws TypeError or RangeError that names the option */
  constructor(options?: LoadGaugeOptions) {
    const read = new OptionReader('LoadGauge', options);
    this.#load = read.value('load', isLoad, 'a function that returns a number');
    this.#enterAt = read.number('enterAt', 200, { min: Number.MIN_VALUE });
    this.#leaveAt = read.number('leaveAt', this.#enterAt / 4, { min: 0, max: this.#enterAt });
    this.#everyMs = read.integer('everyMs', 1_000, { min: 100, max: 60_000 });
    this.#clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    read.done();
  }

  get overloaded(): boolean {
    const now = this.#clock.now();
    // A clock that went back does not keep an old reading alive.
    if (Math.abs(now - this.#readAt) < this.#everyMs) return this.#overloaded;
    this.#readAt = now;
    const load = this.#read();
    this.#overloaded = load >= (this.#overloaded ? this.#leaveAt : this.#enterAt);
    return this.#overloaded;
  }

  /** Stops watching the event loop, until it is asked again. */
  [Symbol.dispose](): void {
    this.#histogram?.disable();
    this.#histogram = undefined;
    this.#readAt = Number.NEGATIVE_INFINITY;
    this.#overloaded = false;
  }

  #read(): number {
    try {
      const load = this.#load?.() ?? this.#lateness();
      return Number.isFinite(load) ? load : 0;
    } catch {
      return 0;
    }
  }

  /** By how much the event loop was late since the last reading, on average; the first reading has nothing to go by. */
  #lateness(): number {
    if (this.#histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#histogram.enable();
      return 0;
    }
    const { mean } = this.#histogram;
    this.#histogram.reset();
    return mean / 1e6 - RESOLUTION_MS;
  }
}

function isLoad(value: unknown): value is () => number {
  return typeof value === 'function';
}
