/** A value that may be there at once or later: a memory store answers at once, Redis later; `await` serves both. */
export type Awaitable<T> = T | Promise<T>;
