import { describe, expect, it } from 'vitest';
import { askLookup } from './ask-lookup.ts';

const bounds = { timeoutMs: 60_000 };

describe('askLookup', () => {
  it.each([true, false])('answers %s at once, or later', async (answer) => {
    expect(askLookup(() => answer, bounds)).toBe(answer);
    expect(await askLookup(async () => answer, bounds)).toBe(answer);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
    ['answers undefined', () => undefined],
    ['answers null', () => null],
    ['answers 1', () => 1],
    ['answers "yes"', () => 'yes'],
    ['answers a row', () => ({ exists: true })],
    ['promises a row', async () => ({ exists: true })],
    ['promises undefined', async () => {}],
    [
      'has a getter that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: what is like a promise is what it is about
        get then(): never {
          throw new Error('no');
        },
      }),
    ],
    [
      'is a thenable that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: what is like a promise is what it is about
        then: () => {
          throw new Error('no');
        },
      }),
    ],
  ])('takes one that %s for a failure', async (_, lookup) => {
    expect(await askLookup(lookup, bounds)).toEqual({ failure: expect.any(String) });
  });

  it('waits no longer than it is told, and says so to the lookup', async () => {
    let told: AbortSignal | undefined;
    const answer = await askLookup(
      (signal) => {
        told = signal;
        return new Promise(() => {});
      },
      { timeoutMs: 1 },
    );
    expect(answer).toEqual({ failure: 'no answer within 1 ms' });
    expect(told?.aborted).toBe(true);
  });

  it('ends with its signal, and does not begin behind it', async () => {
    const controller = new AbortController();
    let asked = 0;
    const lookup = (): Promise<never> => {
      asked++;
      return new Promise(() => {});
    };
    const answer = askLookup(lookup, { ...bounds, signal: controller.signal });
    controller.abort();
    expect(await answer).toEqual({ failure: expect.any(String) });
    expect(await askLookup(lookup, { ...bounds, signal: controller.signal })).toEqual({ failure: expect.any(String) });
    expect(asked).toBe(1);
  });

  it('takes nothing for an answer that comes behind the failure', async () => {
    let resolve: (answer: boolean) => void = () => {};
    const late = new Promise<boolean>((settle) => {
      resolve = settle;
    });
    const answer = await askLookup(() => late, { timeoutMs: 1 });
    resolve(true);
    await late;
    expect(answer).toEqual({ failure: 'no answer within 1 ms' });
  });
});
