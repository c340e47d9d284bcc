/** A value that may be there at once or later: a memory store answers at once, Redis later; `await` serves both. */
export type Awaitable<T> = T | Promise<T>;

/** Whether the value, of which nothing may be known, has to be waited for. May throw what a getter of it throws. */
export function isPending<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Goes on with a value at once when it is there, and when it comes when it is not. Most questions are answered in memory:
 * they then cost neither a promise nor a turn of the event loop.
 *
 * @param value - a promise of this platform, or none
 */
export function andThen<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
