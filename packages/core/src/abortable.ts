/**
 * The promise, or a rejection with the signal's reason when that fires first or has fired already. No listener is left
 * behind, and what the promise comes to later is nobody's concern: it goes on, but its rejection is no unhandled one.
 *
 * @param signal - without one, the promise itself comes back
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
