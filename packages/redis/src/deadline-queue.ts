/** Something that is waited for. */
export interface Deadline {
  /** What was waited for is there. `false`: the time was up before. */
  met(): boolean;
}

/** Timers of Node and `performance.now()` may disagree by less than this. */
const toleranceMs = 1;

class Entry implements Deadline {
  readonly dueAt: number;
  next: Entry | undefined;
  #timeUp: (() => void) | undefined;

  constructor(dueAt: number, timeUp: () => void) {
    this.dueAt = dueAt;
    this.#timeUp = timeUp;
  }

  get isOver(): boolean {
    return this.#timeUp === undefined;
  }

  met(): boolean {
    const inTime = this.#timeUp !== undefined;
    this.#timeUp = undefined;
    return inTime;
  }

  run(): void {
    const timeUp = this.#timeUp;
    this.#timeUp = undefined;
    timeUp?.();
  }
}

/**
 * Deadlines that all lie equally far ahead, so that they fall due in the order in which they were set: one timer serves
 * them all. It does not keep the process alive.
 */
export class DeadlineQueue {
  readonly #ms: number;
  #first: Entry | undefined;
  #last: Entry | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  add(timeUp: () => void): Deadline {
    const entry = new Entry(performance.now() + this.#ms, timeUp);
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    if (this.#timer === undefined) this.#arm(this.#ms);
    return entry;
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(
      () => {
        // When the process was busy until now, what is waited for may have arrived: it is read first.
        setImmediate(() => this.#fire());
      },
      Math.max(1, ms),
    ).unref();
  }

  #fire(): void {
    const now = performance.now();
    this.#timer = undefined;
    while (this.#first !== undefined && (this.#first.isOver || this.#first.dueAt <= now + toleranceMs)) {
      const entry = this.#first;
      this.#first = entry.next;
      if (this.#first === undefined) this.#last = undefined;
      entry.run();
    }
    if (this.#first !== undefined && this.#timer === undefined) this.#arm(this.#first.dueAt - now);
  }
}
