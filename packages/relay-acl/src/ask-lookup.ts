import { type Awaitable, errorText, isPending } from '@postern/core';

/** A lookup that did not say yes or no. Never to be taken for either. */
export interface LookupFailure {
  /** Why, for a report; never for a reply. */
  readonly failure: string;
}

/** How long a lookup is waited for. */
export interface LookupBounds {
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/**
 * Asks a lookup that somebody else has written. It may throw, reject, hang, or answer something that is no boolean: all of
 * that is a failure. Answers at once when the lookup does. The signal that the lookup gets fires when nobody waits any more.
 */
export function askLookup(
  ask: (signal: AbortSignal) => unknown,
  { timeoutMs, signal }: LookupBounds,
): Awaitable<boolean | LookupFailure> {
  if (signal?.aborted) return { failure: 'it was not asked any more' };
  const waiting = new AbortController();
  let answer: unknown;
  try {
    answer = ask(waiting.signal);
    if (!isPending(answer)) return readAnswer(answer);
  } catch (error) {
    return { failure: errorText(error) };
  }
  const pending = Promise.resolve(answer);
  return new Promise((resolve) => {
    const settle = (result: boolean | LookupFailure): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const giveUp = (failure: string): void => {
      settle({ failure });
      waiting.abort(new DOMException(failure, 'AbortError'));
    };
    const onAbort = (): void => giveUp('nobody waited for the answer any more');
    const timer = setTimeout(giveUp, timeoutMs, `no answer within ${timeoutMs} ms`).unref();
    signal?.addEventListener('abort', onAbort);
    pending.then(readAnswer).then(settle, (error: unknown) => settle({ failure: errorText(error) }));
  });
}

/** `undefined`, a row of a database and `'no'` are no answers: what is merely truthy must not open a relay. */
function readAnswer(answer: unknown): boolean | LookupFailure {
  return typeof answer === 'boolean'
    ? answer
    : { failure: `it answered neither true nor false, but ${kindOf(answer)}` };
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
