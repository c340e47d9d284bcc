import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { frozenAnswer } from './cached-answer.ts';
import { dnsFailure } from './dns-failure.ts';
import { SharedLookup } from './shared-lookup.ts';

const answer = frozenAnswer<'A'>({ kind: 'records', records: ['192.0.2.1'], ttl: 0, authentic: false }, 60);
const instead = frozenAnswer<'A'>({ kind: 'nodata', ttl: 0, authentic: false }, 30);
const failure = dnsFailure('timeout', 'x');

describe('SharedLookup', () => {
  it('gives one answer to all who wait, and a failure only to those who have nothing better', async () => {
    const lookup = new SharedLookup('A');
    const waits = [lookup.join(undefined, undefined, 1_000), lookup.join(undefined, () => instead, 1_000)];
    lookup.settle(answer);
    expect(await Promise.all(waits)).toEqual([answer, answer]);

    const failing = new SharedLookup('A');
    const others = [undefined, () => instead, () => undefined].map((each) => failing.join(undefined, each, 1_000));
    failing.settle(failure);
    expect(await Promise.all(others)).toEqual([failure, instead, failure]);
  });

  it('is abandoned when the last who waited has left, and not before', async () => {
    const lookup = new SharedLookup('A');
    const aborts = [new AbortController(), new AbortController()];
    const waits = aborts.map(({ signal }) => lookup.join(signal, undefined, 1_000));
    aborts[0]?.abort();
    expect(lookup.abandoned.aborted).toBe(false);
    aborts[1]?.abort();
    expect(lookup.abandoned.aborted).toBe(true);
    for (const wait of await Promise.all(waits)) expect(wait).toMatchObject({ reason: 'aborted' });
  });

  it('is not abandoned when it is kept', async () => {
    const lookup = new SharedLookup('A');
    lookup.keep();
    const abort = new AbortController();
    const wait = lookup.join(abort.signal, undefined, 1_000);
    abort.abort();
    expect(await wait).toMatchObject({ reason: 'aborted' });
    expect(lookup.abandoned.aborted).toBe(false);
  });

  it('takes its listeners from the signals, however it ends', async () => {
    for (const end of ['settle', 'reject', 'abort'] as const) {
      const lookup = new SharedLookup('A');
      const abort = new AbortController();
      const wait = lookup.join(abort.signal, undefined, 1_000);
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
      if (end === 'settle') lookup.settle(answer);
      else if (end === 'reject') lookup.reject(new TypeError('a mistake'));
      else abort.abort();
      await wait.catch(() => {});
      expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    }
  });
});
