/** Why a check ended before its time. */
export type SpfEnd = 'timeout' | 'aborted';

/**
 * The end of one check: its deadline, or the caller's abort, whichever comes first. One race for the whole check, and not
 * one a lookup as core's `DeadlineResolver` has it: a check that finds all its answers in a cache makes four or more
 * lookups in the time that one such race takes.
 */
export class SpfDeadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#end('aborted');
  #giveUp: () => void = () => {};
  #over: SpfEnd | undefined;

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

  /**
   * What `work` resolves to, or `instead` at the moment when time is up; `work` may then go on for nobody. To be called
   * once.
   */
  race<T>(work: () => Promise<T>, instead: () => T): Promise<T> {
    if (this.#over !== undefined) return Promise.resolve(instead());
    return new Promise((resolve, reject) => {
      this.#giveUp = () => resolve(instead());
      work().then(resolve, reject);
    });
  }

  #end(end: SpfEnd): void {
    if (this.#over !== undefined) return;
    this.#over = end;
    this[Symbol.dispose]();
    this.#giveUp();
    this.#controller.abort();
  }

  /** When the work is done: the timer and the listener go. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }
}
