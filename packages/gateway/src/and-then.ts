import type { Awaitable } from '@postern/core';

/** Whether the value has to be waited for. */
export function isPending<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Goes on with a value at once when it is there, and when it comes when it is not. Most stages of most sessions are
 * answered by checks in memory: they then cost neither a promise nor a turn of the event loop.
 */
export function andThen<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return isPending(value) ? value.then(next) : next(value);
}

/** Takes note of a promise where none was to be expected: its rejection would end the process. */
export function disregard(value: unknown): void {
  if (isPending(value)) value.then(undefined, () => {});
}
