/** A value that may be there at once or later: a memory store answers at once, Redis later; `await` serves both. */
export type Awaitable<T> = T | Promise<T>;

/** Whether the value, of which nothing may be known, has to be waited for. May throw what a getter of it throws. */
export function isPending<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
