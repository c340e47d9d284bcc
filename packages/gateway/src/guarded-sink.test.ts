import type { Check, MessageSink } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { GuardedSink } from './guarded-sink.ts';

const check: Check = { name: 'bad', start: () => undefined };
const chunk = Buffer.from('a line\r\n');

function guarded(sink: Partial<Record<keyof MessageSink, () => unknown>>, timeoutMs = 5_000) {
  const calls: string[] = [];
  const call = (name: keyof MessageSink) => (): unknown => {
    calls.push(name);
    return sink[name]?.();
  };
  const inner = { header: call('header'), write: call('write'), end: call('end'), abort: call('abort') };
  // @ts-expect-error: what a check written in JavaScript may be
  return { calls, guard: new GuardedSink(check, inner, timeoutMs) };
}

const boom = (): never => {
  throw new Error('boom');
};
const failed = (failure: string) => ({
  finding: { kind: 'gateway/check-failed', failure },
  verdict: 'defer',
  reply: { code: 451, enhanced: '4.3.0' },
});

describe('GuardedSink', () => {
  it.each([
    ['throws', boom, 'threw'],
    ['rejects', () => Promise.reject(new Error('boom')), 'threw'],
    // biome-ignore lint/suspicious/noThenProperty: a check may answer with anything
    ['answers a thenable that throws', () => ({ then: boom }), 'threw'],
    ['never gets ready', () => new Promise(() => {}), 'late'],
  ])('tells at the end of a write that %s, and feeds the sink no more', async (_what, write, failure) => {
    const { guard, calls } = guarded({ write }, 10);
    await guard.write(chunk);
    await guard.write(chunk);
    expect(guard.end()).toMatchObject(failed(failure));
    guard.abort();
    expect(calls).toEqual(['write', 'abort']);
  });

  it.each([
    ['throws', boom],
    ['rejects', () => Promise.reject(new Error('boom'))],
  ])('tells at the end of a header that %s', async (_what, header) => {
    const { guard } = guarded({ header });
    // @ts-expect-error: no sink here looks at it
    guard.header(undefined);
    await new Promise(setImmediate);
    expect(guard.end()).toMatchObject(failed('threw'));
  });

  it('lets no abort throw or reject, and aborts once', async () => {
    for (const abort of [boom, () => Promise.reject(new Error('boom'))]) {
      const { guard, calls } = guarded({ abort });
      guard.abort();
      guard.abort();
      await new Promise(setImmediate);
      expect(calls).toEqual(['abort']);
    }
  });

  it('aborts no sink that has answered', async () => {
    const { guard, calls } = guarded({ end: async () => undefined });
    await guard.end();
    guard.abort();
    expect(calls).toEqual(['end']);
  });
});
