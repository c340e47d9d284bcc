import { Readable } from 'node:stream';
import { errorText } from '@postern/core';

/** A message: as bytes, as a list of chunks, or as anything that yields them, a stream for instance. */
export type DkimMessage = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Reads a message to its end, unless `take` wants no more of it. What it is read from is told when nobody reads on: a
 * stream is then destroyed.
 *
 * @param take - gets each chunk; whether more is wanted
 * @returns why the message did not come to its end, `undefined` when it did or nobody wanted it to: one sentence for a person
 * @throws TypeError when the message, or a chunk of it, is none
 */
export async function readMessage(
  message: DkimMessage,
  take: (chunk: Uint8Array) => boolean,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (signal?.aborted) return gaveUp;
  if (message instanceof Uint8Array) {
    take(message);
    return undefined;
  }
  if (typeof message !== 'object' || message === null) throw new TypeError(takes);
  if (Symbol.asyncIterator in message) return readAsync(message, take, signal);
  if (!(Symbol.iterator in message)) throw new TypeError(takes);
  for (const chunk of message) {
    if (signal?.aborted) return gaveUp;
    if (!take(checked(chunk))) return undefined;
  }
  return undefined;
}

const gaveUp = 'The caller gave up.';
const takes = 'DKIM: a message is a Uint8Array, or yields chunks that are';

function checked(chunk: unknown): Uint8Array {
  if (!(chunk instanceof Uint8Array)) throw new TypeError(takes);
  return chunk;
}

async function readAsync(
  message: AsyncIterable<Uint8Array>,
  take: (chunk: Uint8Array) => boolean,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const chunks = message[Symbol.asyncIterator]();
  let onAbort = (): void => {};
  const aborted = new Promise<'aborted'>((resolve) => {
    onAbort = () => resolve('aborted');
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  let ended = false;
  try {
    for (;;) {
      const next = chunks.next();
      let result: Awaited<typeof next> | 'aborted';
      try {
        result = await (signal === undefined ? next : Promise.race([next, aborted]));
      } catch (error) {
        ended = true;
        return `The message could not be read: ${errorText(error)}.`;
      }
      if (result === 'aborted') return gaveUp;
      if (result.done) {
        ended = true;
        return undefined;
      }
      if (!take(checked(result.value))) return undefined;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // Not waited for: an iterator that hangs in `next` hangs in `return` as well.
    if (!ended) {
      chunks.return?.()?.then(undefined, () => {});
      if (message instanceof Readable) message.destroy();
    }
  }
}
