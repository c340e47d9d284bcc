/** A healthy server says something about one of the queries in this time. */
const TOO_LONG_MS = 2_000;

/** Watches a connection on which queries wait: how long has nothing been heard? */
export class Silence {
  #since = 0;

  /** A first query waits, or something has been heard. */
  restart(): void {
    this.#since = performance.now();
  }

  get isTooLong(): boolean {
    return performance.now() - this.#since > TOO_LONG_MS;
  }
}
