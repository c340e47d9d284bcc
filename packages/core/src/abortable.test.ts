import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { abortable } from './abortable.ts';

const never = new Promise<string>(() => undefined);

describe('abortable', () => {
  it('comes to what the promise comes to, and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    expect(await abortable(Promise.resolve('done'), signal)).toBe('done');
    const broken = new Error('broken');
    await expect(abortable(Promise.reject(broken), signal)).rejects.toBe(broken);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('gives the promise back when there is no signal', () => {
    expect(abortable(never, undefined)).toBe(never);
  });

  it('rejects with the reason of the signal, and leaves no listener behind', async () => {
    const controller = new AbortController();
    const waiting = abortable(never, controller.signal);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('does not wait when the signal has fired already', async () => {
    const signal = AbortSignal.abort('before');
    await expect(abortable(never, signal)).rejects.toBe('before');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('takes care of a promise that fails after all', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      const late = new Promise<string>((_, reject) => queueMicrotask(() => reject(new Error('late'))));
      await expect(abortable(late, AbortSignal.abort('before'))).rejects.toBe('before');
      // Node reports a rejection when the microtasks are done.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(unhandled).toEqual([]);
  });
});
