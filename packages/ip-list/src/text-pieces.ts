import { setImmediate as breathe } from 'node:timers/promises';

/** Text in pieces of any size, as a stream or a response body has it; where one ends, a line need not. */
export type TextSource = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** What is in memory is read so much at a time, so that others have their turn. */
const PIECE = 65_536;

/** Whether a value that may come from JavaScript is a source. */
export function isTextSource(value: unknown): value is TextSource {
  if (typeof value === 'string') return true;
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

async function* cut<T extends string | Uint8Array>(whole: T): AsyncGenerator<string | Uint8Array> {
  for (let at = 0; at < whole.length; at += PIECE) {
    if (at > 0) await breathe();
    yield typeof whole === 'string' ? whole.slice(at, at + PIECE) : whole.subarray(at, at + PIECE);
  }
}

/**
 * The pieces of a source. When the signal fires, the wait for the next piece ends at once and its reason is thrown; the
 * source is told to stop.
 */
export async function* textPieces(source: TextSource, signal?: AbortSignal): AsyncGenerator<string | Uint8Array> {
  signal?.throwIfAborted();
  const pieces = typeof source === 'string' || source instanceof Uint8Array ? cut(source) : source;
  const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  let onAbort: (() => void) | undefined;
  const aborted =
    signal &&
    new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  aborted?.catch(() => {});
  let done = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = iterator.next();
      const result = await (aborted === undefined ? next : Promise.race([next, aborted]));
      if (result.done === true) {
        done = true;
        return;
      }
      if (typeof result.value !== 'string' && !(result.value instanceof Uint8Array)) {
        throw new TypeError('a source of lists must give strings or bytes');
      }
      yield result.value;
    }
  } finally {
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    // Not waited for: a source that hangs would hang whoever aborted it.
    if (!done) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
