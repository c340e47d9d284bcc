/**
 * The time of day as a parameter, so that a test can move it and a replay can repeat it.
 * The option is called `clock` everywhere; every `expiresAt` is a number on this scale.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The machine's own clock: the default wherever an option is called `clock`. */
export const systemClock: Clock = { now: () => Date.now() };

/** Whether an option that may come from JavaScript is a clock. */
export function isClock(value: unknown): value is Clock {
  return typeof value === 'object' && value !== null && 'now' in value && typeof value.now === 'function';
}
