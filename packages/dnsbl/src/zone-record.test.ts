import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZoneRecord } from './zone-record.ts';
import type { ZoneProbeOutcome, ZoneState } from './zone-state.ts';

const pass: ZoneProbeOutcome = { outcome: 'pass', reason: undefined, testPoint: undefined };
const fault: ZoneProbeOutcome = { outcome: 'fault', reason: 'lists-everything', testPoint: '127.0.0.1' };
const silent: ZoneProbeOutcome = { outcome: 'silent', reason: 'timeout', testPoint: '127.0.0.2' };

describe('ZoneRecord', () => {
  it('is unknown until a probe decides', () => {
    const record = new ZoneRecord('bl.example', 2, 1_000);
    expect(record.state).toEqual({
      zone: 'bl.example',
      status: 'unknown',
      since: 1_000,
      reason: undefined,
      failures: 0,
      lastProbe: undefined,
    });
    expect(record.probed(silent, 2_000, true)).toBeUndefined();
    expect(record.state).toMatchObject({ status: 'unknown', since: 1_000, failures: 1, lastProbe: { at: 2_000 } });
    expect(record.probed(pass, 3_000, true)).toEqual({
      zone: 'bl.example',
      from: 'unknown',
      to: 'healthy',
      state: record.state,
    });
    expect(record.state).toMatchObject({ status: 'healthy', since: 3_000, failures: 0 });
  });

  it('is set aside by one fault, keeps the reason of the last probe, and comes back with one pass', () => {
    const record = new ZoneRecord('bl.example', 3, 0);
    record.probed(pass, 1, true);
    expect(record.probed(fault, 2, true)).toMatchObject({ from: 'healthy', to: 'aside' });
    expect(record.state).toMatchObject({ since: 2, reason: 'lists-everything', failures: 1 });
    expect(record.probed(silent, 3, true)).toBeUndefined();
    expect(record.state).toMatchObject({ status: 'aside', since: 2, reason: 'timeout', failures: 2 });
    expect(record.probed(pass, 4, false)).toMatchObject({ from: 'aside', to: 'healthy' });
    expect(record.state).toMatchObject({ since: 4, reason: undefined, failures: 0 });
  });

  it('does not count silences while nobody else answers', () => {
    const record = new ZoneRecord('bl.example', 2, 0);
    record.probed(pass, 1, true);
    for (let at = 2; at < 20; at++) expect(record.probed(silent, at, false)).toBeUndefined();
    expect(record.state).toMatchObject({ status: 'healthy', failures: 18 });
    // The others are back: this silence is the second that counts.
    expect(record.probed(silent, 20, true)).toMatchObject({ to: 'aside' });
  });

  it('forgets, and says so when the status changes', () => {
    const record = new ZoneRecord('bl.example', 1, 0);
    expect(record.forget(1)).toBeUndefined();
    record.probed(fault, 2, true);
    expect(record.forget(3)).toMatchObject({ from: 'aside', to: 'unknown' });
    expect(record.state).toMatchObject({
      since: 3,
      reason: undefined,
      failures: 0,
      lastProbe: { reason: 'lists-everything' },
    });
  });

  it('gives states that nobody can change', () => {
    const record = new ZoneRecord('bl.example', 1, 0);
    expect(Object.isFrozen(record.state)).toBe(true);
    record.probed(fault, 1, true);
    expect(Object.isFrozen(record.state)).toBe(true);
    expect(Object.isFrozen(record.state.lastProbe)).toBe(true);
  });

  it('does what a plain reading of its history says', () => {
    // Silences are what adds up, so there are many.
    const outcome = fc.oneof(
      { weight: 8, arbitrary: fc.constant(silent) },
      { weight: 1, arbitrary: fc.constantFrom(pass, fault) },
    );
    const step = fc.oneof(
      { weight: 9, arbitrary: fc.record({ outcome, heardOthers: fc.boolean() }) },
      { weight: 1, arbitrary: fc.constant('forget' as const) },
    );
    const anySteps = fc.array(step, { maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(anySteps, fc.integer({ min: 1, max: 4 }), (steps, failuresToSetAside) => {
        const record = new ZoneRecord('bl.example', failuresToSetAside, 0);
        let before: ZoneState = record.state;
        steps.forEach((now, index) => {
          const at = index + 1;
          const change = now === 'forget' ? record.forget(at) : record.probed(now.outcome, at, now.heardOthers);

          const history = steps.slice(steps.slice(0, at).lastIndexOf('forget') + 1, at);
          const probes = history.flatMap((each) => (each === 'forget' ? [] : [each]));
          expect(record.state.status).toBe(modelStatus(probes, failuresToSetAside));
          const lastPass = probes.findLastIndex(({ outcome }) => outcome === pass);
          expect(record.state.failures).toBe(probes.length - 1 - lastPass);

          expect(change === undefined).toBe(before.status === record.state.status);
          if (change === undefined) expect(record.state.since).toBe(before.since);
          else
            expect(change).toEqual({
              zone: 'bl.example',
              from: before.status,
              to: record.state.status,
              state: record.state,
            });
          expect(record.state.since === at).toBe(change !== undefined);
          expect(record.state.reason).toBe(
            record.state.status === 'aside' ? record.state.lastProbe?.reason : undefined,
          );
          before = record.state;
        });
      }),
    );
  });
});

interface Probe {
  readonly outcome: ZoneProbeOutcome;
  readonly heardOthers: boolean;
}

/** The last probe that decided: a pass, a fault, or the silence that was one too many. */
function modelStatus(probes: readonly Probe[], failuresToSetAside: number): ZoneState['status'] {
  for (let last = probes.length - 1; last >= 0; last--) {
    const probe = probes[last];
    if (probe?.outcome === pass) return 'healthy';
    if (probe?.outcome === fault || isOneTooMany(probes.slice(0, last + 1), failuresToSetAside)) return 'aside';
  }
  return 'unknown';
}

/** Silent to the end for long enough, since others were last not heard. */
function isOneTooMany(probes: readonly Probe[], failuresToSetAside: number): boolean {
  if (probes.at(-1)?.heardOthers !== true) return false;
  const run = probes.slice(probes.findLastIndex(({ outcome }) => outcome !== silent) + 1);
  const unheard = run.findLastIndex(({ heardOthers }) => !heardOthers);
  return run.length - Math.max(0, unheard) >= failuresToSetAside;
}
