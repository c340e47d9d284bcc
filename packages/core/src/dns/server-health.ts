const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * What is remembered of one server. When it has not answered it is set aside for a second, and each further time for
 * twice as long, up to a minute: lookups then try it last. When the pause is over, one lookup tries it first again, and
 * the others follow once it has answered.
 *
 * All times are milliseconds of one clock that never goes back (`performance.now()`).
 */
export class ServerHealth {
  #failures = 0;
  #failedAt = 0;
  #pauseEnd = 0;
  #pauseMs = 0;

  /** Whether the server did not answer when it was last asked. */
  get hasFailed(): boolean {
    return this.#failures > 0;
  }

  /** Whether the server is to be tried last. */
  isSetAside(now: number): boolean {
    return this.#failures > 0 && now < this.#pauseEnd;
  }

  /** A lookup tries the server first. After a pause it does so for all others, which leave the server alone meanwhile. */
  claim(now: number): void {
    if (this.#failures > 0 && now >= this.#pauseEnd) this.#pauseEnd = now + this.#pauseMs;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** The server did not answer a query sent at `askedAt`. Of queries that were under way together only one counts. */
  failed(askedAt: number, now: number): void {
    if (this.#failures > 0 && askedAt <= this.#failedAt) return;
    this.#failures++;
    this.#failedAt = now;
    this.#pauseMs = Math.min(SHORTEST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    this.#pauseEnd = now + this.#pauseMs;
  }
}
