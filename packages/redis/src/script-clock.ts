import type { Clock } from '@postern/core';

/** How much longer than needed keys are kept when the callers' clocks count, which may differ from each other. */
const graceMs = 60_000;

/**
 * How a script learns the time: its first two arguments. Beginning of every script that does; leaves the locals `now`,
 * milliseconds since the epoch, and `grace`, how many milliseconds longer than needed a key is kept.
 */
export const clockSource = `
local now = tonumber(ARGV[1])
local grace = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/** Whose clock counts in Redis: its own, or the caller's. */
export class ScriptClock {
  readonly #clock: Clock | undefined;

  constructor(clock: Clock | undefined) {
    this.#clock = clock;
  }

  /** How much longer than needed keys are kept. */
  get graceMs(): number {
    return this.#clock === undefined ? 0 : graceMs;
  }

  /** The caller's time; `undefined` when Redis' own counts. */
  now(): number | undefined {
    return this.#clock?.now();
  }

  /** What `clockSource` reads. */
  args(): [string, string] {
    return this.#clock === undefined ? ['', '0'] : [String(this.#clock.now()), String(graceMs)];
  }
}
