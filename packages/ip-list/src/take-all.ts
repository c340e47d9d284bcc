/**
 * Takes all that comes in over time. When the signal fires, that ends at once, with its reason, and nothing more is taken:
 * the source may hang, and is told to stop when it goes on.
 */
export async function takeAll<T>(
  source: AsyncIterable<T> | Iterable<T>,
  take: (value: T) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const taken = (async () => {
    for await (const value of source) {
      signal?.throwIfAborted();
      take(value);
    }
  })();
  if (signal === undefined) return taken;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([taken, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
