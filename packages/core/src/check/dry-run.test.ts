import { sampleSession, sampleTransaction } from '@postern/testing';
import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../clock.ts';
import type { HeaderFields } from '../message/header-fields.ts';
import { HeaderParser } from '../message/header-parser.ts';
import type { Path } from '../smtp/path.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { Check, CheckRun, Context } from './check.ts';
import { dryRun } from './dry-run.ts';
import type { MessageSink } from './message-sink.ts';
import type { Opinion } from './opinion.ts';
import type { Report } from './report.ts';

const finding = { kind: 'test/something', summary: 'Something was found.' } as const;
const session = sampleSession();
const context: Context = {
  resolver: { resolve: async () => ({ kind: 'failure', reason: 'network', detail: 'no network here' }) },
  store: new MemoryStore(),
  clock: systemClock,
};
const path: Path = { address: 'a@example.com', localPart: 'a', domain: 'example.com', parameters: {} };
const transaction = sampleTransaction({ session, reversePath: path });
const { signal } = new AbortController();

function started(run: CheckRun, timeoutMs?: number): CheckRun {
  const check: Check = { name: 'wrapped', start: () => run };
  const dry = dryRun(check, timeoutMs === undefined ? undefined : { timeoutMs }).start(session, context);
  if (dry === undefined) throw new Error('not started');
  return dry;
}

function sinkOf(sink: MessageSink, timeoutMs?: number): MessageSink {
  const dry = started({ message: () => sink }, timeoutMs).message?.(transaction);
  if (dry === undefined) throw new Error('no sink');
  return dry;
}

function header(): HeaderFields {
  const state = new HeaderParser().write(Buffer.from('A: 1\r\n\r\n'));
  if (state.kind !== 'complete') throw new Error('not complete');
  return state.header;
}

describe('dryRun', () => {
  it('keeps name, cost and whom the check applies to', () => {
    const start = (): undefined => undefined;
    expect(dryRun({ name: 'a', start })).toEqual({ name: 'a', start: expect.any(Function) });
    expect(dryRun({ name: 'a', cost: 'local', appliesTo: 'strangers', start })).toEqual({
      name: 'a',
      cost: 'local',
      appliesTo: 'strangers',
      start: expect.any(Function),
    });
    expect(dryRun({ name: 'a', start }).start(session, context)).toBeUndefined();
  });

  it('refuses a guard', () => {
    expect(() => dryRun({ name: 'relay-acl', guards: true, start: () => undefined })).toThrow(TypeError);
    expect(() => dryRun({ name: 'a', start: () => undefined }, { timeoutMs: 0 })).toThrow(RangeError);
  });

  it('moves everything that an opinion asks for into its finding', () => {
    const opinion: Opinion = {
      finding: { ...finding, zone: 'bl.example' },
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.7.1', text: 'no' },
      score: 5,
      delayMs: 1_000,
      trust: true,
      headerEdits: [
        { action: 'add', name: 'X-A', value: 'b' },
        { action: 'remove', name: 'X-B', index: 1 },
      ],
      authResults: [
        { method: 'spf', result: 'fail', properties: [{ ptype: 'smtp', property: 'mailfrom', value: 'example.com' }] },
        { method: 'dkim', result: 'none' },
      ],
    };
    const recorded = started({ connect: () => opinion }).connect?.(signal);
    const { finding: _, ...asked } = opinion;
    expect(recorded).toEqual({ finding: { ...finding, zone: 'bl.example', dryRun: asked } });
    expect(JSON.parse(JSON.stringify(recorded))).toEqual(recorded);
  });

  it('says so when the opinion asked for nothing, and nothing when there was none', () => {
    expect(started({ connect: () => ({ finding }) }).connect?.(signal)).toEqual({
      finding: { ...finding, dryRun: {} },
    });
    expect(started({ connect: () => undefined }).connect?.(signal)).toBeUndefined();
  });

  it('passes what is asked at each stage on, and answers at once when the check does', () => {
    const seen: unknown[] = [];
    const attempt = { mechanism: 'PLAIN', user: 'u', password: 'p' } as const;
    const report: Report = {
      version: 1,
      kind: 'session',
      id: 's1',
      session: { id: 's1', service: 'mx', client: session.client, startedAt: 0, trusted: false },
      startedAt: 0,
      durationMs: 0,
      recipients: [],
      opinions: [],
      score: 0,
      outcome: 'none',
    };
    class Run implements CheckRun {
      readonly verdict = 'defer';
      #see(...args: readonly unknown[]): Opinion {
        seen.push(args);
        return { finding, verdict: this.verdict };
      }
      connect(each: AbortSignal): Opinion {
        return this.#see('connect', each);
      }
      helo(name: string, each: AbortSignal): Opinion {
        return this.#see('helo', name, each);
      }
      authenticate(...args: readonly unknown[]): Opinion & { readonly user: string } {
        return { ...this.#see('authenticate', ...args), user: 'u' };
      }
      mail(...args: readonly unknown[]): Opinion {
        return this.#see('mail', ...args);
      }
      recipient(...args: readonly unknown[]): Opinion & { readonly permit: 'relay' } {
        return { ...this.#see('recipient', ...args), permit: 'relay' };
      }
      report(each: Report): void {
        this.#see('report', each);
      }
      close(): void {
        this.#see('close');
      }
    }
    const run = started(new Run());
    const deferred = { finding: { ...finding, dryRun: { verdict: 'defer' } } };
    expect(run.connect?.(signal)).toEqual(deferred);
    expect(run.helo?.('example.com', signal)).toEqual(deferred);
    expect(run.authenticate?.(attempt, signal)).toEqual({
      finding: { ...finding, dryRun: { verdict: 'defer', user: 'u' } },
    });
    expect(run.mail?.(transaction, signal)).toEqual(deferred);
    expect(run.recipient?.(transaction, path, signal)).toEqual({
      finding: { ...finding, dryRun: { verdict: 'defer', permit: 'relay' } },
    });
    expect(run.message).toBeUndefined();
    run.report?.(report);
    run.close?.();
    expect(seen).toEqual([
      ['connect', signal],
      ['helo', 'example.com', signal],
      ['authenticate', attempt, signal],
      ['mail', transaction, signal],
      ['recipient', transaction, path, signal],
      ['report', report],
      ['close'],
    ]);
  });

  it('has only the stages that the check has', () => {
    expect(Object.keys(started({ mail: () => undefined, close: () => {} }))).toEqual(['mail', 'close']);
  });

  describe('a check that fails does not defer', () => {
    const failed = (failure: string, error: string) => ({
      finding: {
        kind: 'core/dry-run-failed',
        summary: expect.stringContaining(error),
        failure,
        error: expect.stringContaining(error),
        dryRun: { verdict: 'defer' },
      },
    });

    it('when it throws or rejects', async () => {
      const broken = new Error('broken');
      const throwing = started({
        connect: () => {
          throw broken;
        },
        helo: async () => {
          throw broken;
        },
      });
      expect(throwing.connect?.(signal)).toEqual(failed('threw', 'broken'));
      expect(await throwing.helo?.('x', signal)).toEqual(failed('threw', 'broken'));
    });

    it('when it cannot be started', () => {
      const check: Check = {
        name: 'wrapped',
        start: () => {
          throw new Error('broken');
        },
      };
      expect(dryRun(check).start(session, context)?.connect?.(signal)).toEqual(failed('threw', 'broken'));
    });

    it('when it answers rubbish', async () => {
      const rubbish = started({
        // @ts-expect-error: no finding
        connect: () => ({ verdict: 'reject' }),
        // @ts-expect-error: no opinion
        helo: async () => 'no',
      });
      expect(rubbish.connect?.(signal)).toEqual(failed('rubbish', 'finding'));
      expect(await rubbish.helo?.('x', signal)).toEqual(failed('rubbish', 'not an object'));
    });

    it('when it is late, or was told to stop', async () => {
      vi.useFakeTimers();
      try {
        const never = started({ connect: () => new Promise(() => {}) }, 100);
        const late = never.connect?.(signal);
        await vi.advanceTimersByTimeAsync(100);
        expect(await late).toEqual(failed('late', '100 ms'));
        const controller = new AbortController();
        const stopped = never.connect?.(controller.signal);
        controller.abort();
        expect(await stopped).toEqual(failed('late', 'told to stop'));
        expect(await never.connect?.(controller.signal)).toEqual(failed('late', 'told to stop'));
        expect(vi.getTimerCount()).toBe(0);
      } finally {
        vi.useRealTimers();
      }
    });

    it('leaves no timer and no listener behind when it answers in time', async () => {
      vi.useFakeTimers();
      try {
        const controller = new AbortController();
        const removed = vi.spyOn(controller.signal, 'removeEventListener');
        const answer = await started({ connect: async () => ({ finding }) }).connect?.(controller.signal);
        expect(answer).toEqual({ finding: { ...finding, dryRun: {} } });
        expect(removed).toHaveBeenCalledOnce();
        expect(vi.getTimerCount()).toBe(0);
      } finally {
        vi.useRealTimers();
      }
    });

    it('when what was thrown cannot be printed, or is long', () => {
      const thrown = (error: unknown): unknown => {
        const run: CheckRun = {
          connect: () => {
            throw error;
          },
        };
        return started(run).connect?.(signal);
      };
      expect(thrown({ toString: null })).toEqual(failed('threw', 'cannot be printed'));
      expect(JSON.stringify(thrown(new Error('x'.repeat(100_000)))).length).toBeLessThan(1_000);
    });

    it('when it makes no sink, or none that is one', async () => {
      const throwing: CheckRun = {
        message: () => {
          throw new Error('broken');
        },
      };
      const sinks = [
        [started(throwing).message?.(transaction), failed('threw', 'broken')],
        // @ts-expect-error: no sink
        [started({ message: () => ({}) }).message?.(transaction), failed('rubbish', 'sink')],
      ] as const;
      for (const [sink, expected] of sinks) {
        sink?.header(header());
        sink?.write(new Uint8Array(1));
        expect(await sink?.end()).toEqual(expected);
        sink?.abort();
      }
    });

    it('when its sink throws: the sink is aborted and sees no more', async () => {
      for (const [method, call] of [
        ['header', (sink: MessageSink) => sink.header(header())],
        ['write', (sink: MessageSink) => sink.write(new Uint8Array(1))],
      ] as const) {
        const calls: string[] = [];
        const note = (name: string) => () => {
          calls.push(name);
          if (name === method || name === 'abort') throw new Error('broken');
        };
        const inner = { header: note('header'), write: note('write'), end: () => undefined, abort: note('abort') };
        const sink = sinkOf(inner);
        call(sink);
        sink.write(new Uint8Array(1));
        expect(await sink.end()).toEqual(failed('threw', 'broken'));
        sink.abort();
        expect(calls).toEqual([method, 'abort']);
      }
    });

    it('when its sink promises what nobody waits for, and breaks the promise', async () => {
      const broken = async (): Promise<void> => {
        throw new Error('broken');
      };
      // An unhandled rejection would fail the test run.
      const sink = sinkOf({ header: broken, write: () => {}, end: () => undefined, abort: broken });
      sink.header(header());
      await new Promise(setImmediate);
      expect(await sink.end()).toEqual(failed('threw', 'broken'));
      const aborted = sinkOf({ header() {}, write: () => {}, end: () => undefined, abort: broken });
      aborted.abort();
      await new Promise(setImmediate);
    });

    it('when its sink holds the message up, rejects, or is late at the end', async () => {
      vi.useFakeTimers();
      try {
        const abort = vi.fn();
        const inner = { header: () => {}, end: () => new Promise<undefined>(() => {}), abort };
        const stuck = sinkOf({ ...inner, write: () => new Promise(() => {}) }, 100);
        const held = stuck.write(new Uint8Array(1));
        await vi.advanceTimersByTimeAsync(100);
        await held;
        expect(await stuck.end()).toEqual(failed('late', '100 ms'));
        expect(abort).toHaveBeenCalledOnce();

        const rejecting = sinkOf({ ...inner, write: () => Promise.reject(new Error('broken')) });
        await rejecting.write(new Uint8Array(1));
        expect(await rejecting.end()).toEqual(failed('threw', 'broken'));

        const slow = sinkOf({ ...inner, write: () => {} }, 100);
        const end = slow.end();
        await vi.advanceTimersByTimeAsync(100);
        expect(await end).toEqual(failed('late', '100 ms'));
        expect(vi.getTimerCount()).toBe(0);
      } finally {
        vi.useRealTimers();
      }
    });
  });

  it('feeds a sink as it is fed, and records its opinion', async () => {
    const calls: unknown[] = [];
    const sink = sinkOf({
      header: (fields) => calls.push(fields),
      write: (chunk) => {
        calls.push(chunk);
        return chunk.length > 1 ? Promise.resolve() : undefined;
      },
      end: async () => ({ finding, verdict: 'quarantine' as const }),
      abort: () => calls.push('abort'),
    });
    const fields = header();
    const chunks = [new Uint8Array(1), new Uint8Array(2)];
    sink.header(fields);
    for (const chunk of chunks) await sink.write(chunk);
    expect(await sink.end()).toEqual({ finding: { ...finding, dryRun: { verdict: 'quarantine' } } });
    sink.abort();
    expect(calls).toEqual([fields, ...chunks, 'abort']);
    expect(started({ message: () => undefined }).message?.(transaction)).toBeUndefined();
  });

  it('runs a dry run dry', () => {
    const check: Check = { name: 'wrapped', start: () => ({ connect: () => ({ finding, verdict: 'reject' }) }) };
    const twice = dryRun(dryRun(check)).start(session, context);
    expect(twice?.connect?.(signal)).toEqual({ finding: { ...finding, dryRun: { verdict: 'reject' } } });
  });
});
