import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type DkimMessage, readMessage } from './message-chunks.ts';

const a = Buffer.from('a');
const b = new Uint8Array([0x62]);

async function read(message: DkimMessage, most = 10, signal?: AbortSignal): Promise<[string, string | undefined]> {
  let text = '';
  const failure = await readMessage(
    message,
    (chunk) => {
      text += Buffer.from(chunk).toString('latin1');
      return text.length < most;
    },
    signal,
  );
  return [text, failure];
}

function web(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

describe('readMessage', () => {
  it.each<[string, () => DkimMessage]>([
    ['bytes', () => Buffer.from('ab')],
    ['a list', () => [a, b]],
    ['a set', () => new Set([a, b])],
    ['a stream', () => Readable.from([a, b])],
    ['a stream of the web', () => web(a, b)],
  ])('reads %s', async (_what, message) => {
    expect(await read(message())).toEqual(['ab', undefined]);
  });

  it('reads no more than is wanted', async () => {
    for (const message of [[a, b, a], Readable.from([a, b, a]), web(a, b, a)]) {
      expect(await read(message, 2)).toEqual(['ab', undefined]);
    }
  });

  it('destroys a stream that it leaves', async () => {
    const stream = Readable.from([a, b, a]);
    await read(stream, 1);
    expect(stream.destroyed).toBe(true);
  });

  it('gives up while nothing comes, and leaves no listener behind', async () => {
    const abort = new AbortController();
    const silent: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
    const stream = new Readable({ read() {} });
    const readings = [read(silent, 10, abort.signal), read(stream, 10, abort.signal)];
    abort.abort();
    expect(await Promise.all(readings)).toEqual([
      ['', 'The caller gave up.'],
      ['', 'The caller gave up.'],
    ]);
    expect(stream.destroyed).toBe(true);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    expect(await read(a, 10, abort.signal)).toEqual(['', 'The caller gave up.']);
  });

  it('gives up between the chunks of a list', async () => {
    const abort = new AbortController();
    const chunks = (function* () {
      yield a;
      abort.abort();
      yield b;
    })();
    expect(await read(chunks, 10, abort.signal)).toEqual(['a', 'The caller gave up.']);
  });

  it('leaves no listener behind when all went well', async () => {
    const { signal } = new AbortController();
    expect(await read(Readable.from([a]), 10, signal)).toEqual(['a', undefined]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('tells why a stream broke off', async () => {
    const stream = new Readable({ read() {} });
    stream.push(a);
    const reading = read(stream);
    setImmediate(() => stream.destroy(new Error('reset')));
    expect(await reading).toEqual(['a', 'The message could not be read: reset.']);
  });

  it('takes a stream that closed early for one that broke off', async () => {
    const stream = new Readable({ read() {} });
    stream.push(a);
    const reading = read(stream);
    setImmediate(() => stream.destroy());
    const [, failure] = await reading;
    expect(failure).toMatch(/^The message could not be read: /);
  });

  it.each([undefined, null, 'text', 5, {}])('throws at %j', async (message) => {
    // @ts-expect-error: from JavaScript
    await expect(read(message)).rejects.toThrow(TypeError);
  });
});
