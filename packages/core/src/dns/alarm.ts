/** Something that has to be woken. */
export interface Sleeper {
  /** When, in milliseconds of `performance.now()`. It may change. */
  readonly dueAt: number;
  /** For the alarm: its place among the sleepers; -1 as long as it has none. */
  place: number;
  timeUp(now: number): void;
}

/** Timers of Node and `performance.now()` may disagree by less than this. */
const TOLERANCE_MS = 1;

/**
 * Wakes sleepers with one timer for all of them. A timer for each would cost more than the rest of a lookup's bookkeeping,
 * and nearly all would be cancelled: here a sleeper that leaves costs nothing, and the timer finds out when it fires.
 *
 * The timer keeps the process alive as long as there is any sleeper.
 */
export class Alarm<T extends Sleeper> {
  // Not a Set: see ExchangeTable.
  readonly #sleepers: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  get sleepers(): readonly T[] {
    return this.#sleepers;
  }

  /** Takes a sleeper in, or hears that it is due earlier than before. */
  set(sleeper: T, now: number): void {
    if (sleeper.place < 0) {
      if (this.#sleepers.length === 0) this.#timer?.ref();
      sleeper.place = this.#sleepers.push(sleeper) - 1;
    }
    if (sleeper.dueAt < this.#firesAt) this.#arm(sleeper.dueAt, now);
  }

  delete(sleeper: T): void {
    const { place } = sleeper;
    const last = this.#sleepers.at(-1);
    if (place < 0 || last === undefined) return;
    this.#sleepers[place] = last;
    last.place = place;
    this.#sleepers.pop();
    sleeper.place = -1;
    if (this.#sleepers.length === 0) this.#timer?.unref();
  }

  #arm(at: number, now: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#firesAt = Number.POSITIVE_INFINITY;
        // When the process was busy until now, what a sleeper waits for may have arrived: it is read first.
        setImmediate(() => this.#fire());
      },
      Math.max(1, at - now),
    );
  }

  #fire(): void {
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.dueAt <= now + TOLERANCE_MS) sleeper.timeUp(now);
    }
    for (const { dueAt } of this.#sleepers) next = Math.min(next, dueAt);
    if (next < this.#firesAt) this.#arm(next, now);
  }
}
