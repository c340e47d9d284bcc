import { setTimeout as sleep } from 'node:timers/promises';
import { type Check, isPending, type Opinion, type Stage } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeardOpinion, refusalOf } from './heard-opinion.ts';
import { type ActiveCheck, runStage, type StageEnd, type StageQuestion } from './stage-runner.ts';

const clock = { now: () => 0 };
const never = new AbortController().signal;

type Behaviour = (signal: AbortSignal) => unknown;

function check(name: string, cost: 'local' | 'network', behaviour: Behaviour): ActiveCheck & { behaviour: Behaviour } {
  const made: Check = { name, cost, start: () => ({}) };
  return { check: made, run: {}, behaviour };
}

function opinion(verdict?: 'reject' | 'defer' | 'quarantine', more: object = {}): Opinion {
  return { finding: { kind: 'test/finding', summary: 'A finding.' }, ...(verdict && { verdict }), ...more };
}

async function run(
  checks: readonly (ActiveCheck & { behaviour: Behaviour })[],
  options: Partial<StageQuestion> & { stage?: Stage } = {},
): Promise<{ heard: HeardOpinion[]; end: StageEnd; pending: boolean }> {
  const heard: HeardOpinion[] = [];
  const result = runStage({
    stage: 'mail',
    recipient: undefined,
    checks,
    ask: (active, signal) => checks.find((each) => each.check === active.check)?.behaviour(signal),
    // As sessions do it: no network check behind a refusal.
    skips: (active) => active.check.cost === 'network' && heard.some((each) => refusalOf(each.opinion) !== undefined),
    hears: (each) => heard.push(each),
    controller: new AbortController(),
    timeoutMs: 5_000,
    clock,
    gone: never,
    ...options,
  });
  return { heard, end: await result, pending: isPending(result) };
}

const names = (heard: readonly HeardOpinion[]): string[] => heard.map((each) => each.check);
const failure = {
  finding: { kind: 'gateway/check-failed' },
  verdict: 'defer',
  reply: { code: 451, enhanced: '4.3.0' },
};

describe('runStage', () => {
  it('answers at once, without a promise, when every check does', async () => {
    const result = await run([
      check('a', 'local', () => opinion()),
      check('b', 'network', () => opinion('quarantine')),
    ]);
    expect(result.pending).toBe(false);
    expect(names(result.heard)).toEqual(['a', 'b']);
  });

  it('asks local checks one after the other and network checks together', async () => {
    const log: string[] = [];
    const logged = (name: string, cost: 'local' | 'network') =>
      check(name, cost, async () => {
        log.push(`${name} asked`);
        await sleep(1);
        log.push(`${name} answered`);
        return undefined;
      });
    await run([logged('a', 'local'), logged('b', 'local'), logged('c', 'network'), logged('d', 'network')]);
    expect(log).toEqual([
      'a asked',
      'a answered',
      'b asked',
      'b answered',
      'c asked',
      'd asked',
      'c answered',
      'd answered',
    ]);
  });

  it('does not ask a network check that a local one made unnecessary', async () => {
    let asked = false;
    const { heard } = await run([
      check('a', 'local', () => opinion('reject')),
      check('b', 'local', () => opinion()),
      check('c', 'network', () => {
        asked = true;
      }),
    ]);
    expect(names(heard)).toEqual(['a', 'b']);
    expect(asked).toBe(false);
  });

  it('stops at once at a 421', async () => {
    const reply = { code: 421, enhanced: '4.7.0', text: 'Too many connections' };
    const checks = [
      check('a', 'local', () => opinion('defer', { reply })),
      check('b', 'local', () => opinion()),
      check('c', 'network', () => opinion()),
    ];
    expect(names((await run(checks, { skips: () => false })).heard)).toEqual(['a']);
  });

  it('takes no later verdict when an earlier check refuses, however late, and aborts the rest', async () => {
    let aborted = false;
    const { heard } = await run([
      check('slow', 'network', async () => {
        await sleep(5);
        return opinion('reject');
      }),
      check('fast', 'network', () => opinion('defer')),
      check('endless', 'network', (signal) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => {});
      }),
    ]);
    expect(names(heard)).toEqual(['slow']);
    expect(aborted).toBe(true);
  });

  it('aborts who is still at it when what the others said at once suffices', async () => {
    let stopped: AbortSignal | undefined;
    const { heard, pending } = await run([
      check('sure', 'network', () => opinion('reject')),
      check('endless', 'network', (signal) => {
        stopped = signal;
        return new Promise(() => {});
      }),
    ]);
    expect(names(heard)).toEqual(['sure']);
    expect(pending).toBe(false);
    expect(stopped?.aborted).toBe(true);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('boom')), 'threw'],
    [
      'throws synchronously',
      () => {
        throw new Error('boom');
      },
      'threw',
    ],
    ['answers a number', () => 7, 'rubbish'],
    ['answers null', () => null, 'rubbish'],
    ['promises rubbish', () => Promise.resolve({ verdict: 'reject' }), 'rubbish'],
    ['has an unknown verdict', () => opinion(undefined, { verdict: 'accept' }), 'rubbish'],
    ['claims trust outside of connect', () => opinion(undefined, { trust: true }), 'rubbish'],
    ['permits outside of recipient', () => opinion(undefined, { permit: 'relay' }), 'rubbish'],
    ['never answers', () => new Promise(() => {}), 'late'],
    [
      'answers with a getter that throws',
      () => ({
        get finding(): never {
          throw new Error('boom');
        },
      }),
      'threw',
    ],
    [
      'answers with a thenable that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a check may answer with anything
        then: () => {
          throw new Error('boom');
        },
      }),
      'threw',
    ],
    [
      'answers with an opinion that can be read only once',
      () => {
        const read = new Set<unknown>();
        return new Proxy(opinion('reject'), {
          get(target, name): unknown {
            if (read.has(name)) throw new Error('boom');
            read.add(name);
            return Reflect.get(target, name);
          },
        });
      },
      'threw',
    ],
    ['throws what cannot be printed', () => Promise.reject(Object.create(null)), 'threw'],
  ])('defers when a check %s', async (_what, behaviour, reason) => {
    for (const cost of ['local', 'network'] as const) {
      const { heard } = await run([check('bad', cost, behaviour), check('next', 'network', () => opinion())], {
        timeoutMs: 10,
      });
      expect(heard).toHaveLength(1);
      expect(heard[0]?.opinion).toMatchObject({ ...failure, finding: { ...failure.finding, failure: reason } });
    }
  });

  it('takes trust from a local check at connect, and from no network check', async () => {
    const trusting = (cost: 'local' | 'network') =>
      run([check('a', cost, () => opinion(undefined, { trust: true }))], { stage: 'connect' });
    expect((await trusting('local')).heard[0]?.opinion.trust).toBe(true);
    expect((await trusting('network')).heard[0]?.opinion).toMatchObject(failure);
  });

  it('ends when the client is gone, and tells the checks', async () => {
    const client = new AbortController();
    let told = false;
    const promise = run(
      [
        check('a', 'network', (signal) => {
          signal.addEventListener('abort', () => {
            told = true;
          });
          setImmediate(() => client.abort());
          return new Promise(() => {});
        }),
      ],
      { gone: client.signal },
    );
    expect(await promise).toMatchObject({ end: 'gone', heard: [] });
    expect(told).toBe(true);
  });

  it('asks a check only if an opinion of the same stage has not made it unnecessary', async () => {
    const heard: HeardOpinion[] = [];
    await run([check('a', 'local', () => opinion()), check('b', 'local', () => opinion())], {
      skips: () => heard.length > 0,
      hears: (each) => heard.push(each),
    });
    expect(names(heard)).toEqual(['a']);
  });

  it('has the outcome of asking in order, whatever answers when', async () => {
    const answers = fc.constantFrom(undefined, 'none', 'quarantine', 'reject', 'defer', 'throw', 'rubbish');
    const plans = fc.array(
      fc.record({ cost: fc.constantFrom('local' as const, 'network' as const), answers, turns: fc.nat(4) }),
      { maxLength: 7 },
    );
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const answer = (kind: (typeof plan)[number]['answers']): unknown => {
          if (kind === undefined) return undefined;
          if (kind === 'throw') throw new Error('boom');
          if (kind === 'rubbish') return 'rubbish';
          return opinion(kind === 'none' ? undefined : kind);
        };
        const checks = plan
          .map((each, index) =>
            check(String(index), each.cost, async () => {
              for (let turn = 0; turn < each.turns; turn += 1) await new Promise(setImmediate);
              return answer(each.answers);
            }),
          )
          .sort((a, b) => Number(a.check.cost === 'network') - Number(b.check.cost === 'network'));
        const { heard } = await run(checks);

        const expected: string[] = [];
        let refused = false;
        for (const { check: each } of checks) {
          if (refused && each.cost === 'network') break;
          const kind = plan[Number(each.name)]?.answers;
          if (kind === undefined) continue;
          expected.push(each.name);
          if (kind !== 'none' && kind !== 'quarantine') refused = true;
        }
        expect(names(heard)).toEqual(expected);
      }),
    );
  });
});
