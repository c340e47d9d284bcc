/** Why a check ended before its time. */
export type SpfEnd = 'timeout' | 'aborted';

/**
 * The time of one check: its deadline, or the caller's abort, whichever comes first. One race for the whole check, and not
 * one a lookup as core's `DeadlineResolver` has it: a check that finds all its answers in a cache makes five lookups in
 * the time that one such race takes.
 */
export class SpfDeadline {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#end('aborted');
  #settle: () => void = () => {};
  #over: SpfEnd | undefined = undefined;
  #hasOutcome = false;

  constructor(timeoutMs: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#timer = setTimeout(() => this.#end('timeout'), timeoutMs);
    this.#timer.unref();
    if (caller?.aborted) this.#onAbort();
    else caller?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** For the resolver: the answer is not wanted any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** `undefined` while there is time. */
  get over(): SpfEnd | undefined {
    return this.#over;
  }

  /** Whether the caller has the outcome, so that nothing may change it any more. */
  get hasOutcome(): boolean {
    return this.#hasOutcome;
  }

  /**
   * Starts all work at once, and asks for the outcome when all of it is done, or at the moment when time is up; what is
   * left of the work then goes on for nobody. To be called once.
   *
   * @param works - each calls `done` when it is through, once
   */
  run<T>(works: readonly ((done: () => void) => void)[], outcome: () => T): Promise<T> {
    if (this.#over !== undefined) return Promise.resolve(outcome());
    return new Promise((resolve) => {
      this.#settle = () => {
        this.#leave();
        this.#hasOutcome = true;
        resolve(outcome());
      };
      let left = works.length;
      const done = (): void => {
        if (--left === 0 && this.#over === undefined) this.#settle();
      };
      for (const work of works) work(done);
    });
  }

  #end(end: SpfEnd): void {
    this.#over = end;
    this.#leave();
    this.#settle();
    this.#controller.abort();
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }
}
