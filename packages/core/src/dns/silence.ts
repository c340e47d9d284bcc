/** A healthy server says something about one of the queries in this time. */
const TOO_LONG_MS = 2_000;

/**
 * Watches a connection on which queries wait: how long has no reply come? Octets that make no reply do not count, or a
 * server that sends one every now and then could hold a connection, and all queries on it, for ever.
 */
export class Silence {
  #since = 0;

  /** A first query waits, or a reply has come. */
  restart(): void {
    this.#since = performance.now();
  }

  get isTooLong(): boolean {
    return performance.now() - this.#since > TOO_LONG_MS;
  }
}
