import { type Awaitable, isPending } from '@postern/core';

/**
 * Goes on with a value at once when it is there, and when it comes when it is not. Most stages of most sessions are
 * answered by checks in memory: they then cost neither a promise nor a turn of the event loop.
 *
 * @param value - a promise of this platform, or none
 */
export function andThen<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Takes note of a promise where none was to be expected: its rejection would end the process. */
export function disregard(value: unknown): void {
  if (isPending(value)) value.then(undefined, () => {});
}
