import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Alarm, type Sleeper } from './alarm.ts';

interface TestSleeper extends Sleeper {
  dueAt: number;
  readonly woken: number[];
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], now: 0 });
  // The fake one would take a millisecond.
  vi.stubGlobal('setImmediate', (wake: () => void) => wake());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Leaves the alarm when it is woken. */
function sleeper(alarm: Alarm<Sleeper>, dueAt: number): TestSleeper {
  const each: TestSleeper = {
    dueAt,
    place: -1,
    woken: [],
    timeUp: (now) => {
      each.woken.push(now);
      alarm.delete(each);
    },
  };
  alarm.set(each, performance.now());
  return each;
}

describe('Alarm', () => {
  it('wakes each sleeper when it is due, in whatever order they came', () => {
    const alarm = new Alarm<Sleeper>();
    const sleepers = [50, 10, 30, 10, 1_000].map((dueAt) => sleeper(alarm, dueAt));
    vi.advanceTimersByTime(2_000);
    expect(sleepers.map(({ woken }) => woken)).toEqual([[50], [10], [30], [10], [1_000]]);
    expect([...alarm.sleepers]).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has one timer, however many sleepers come and go', () => {
    const alarm = new Alarm<Sleeper>();
    for (let turn = 0; turn < 100; turn++) alarm.delete(sleeper(alarm, 500 + turn));
    const last = sleeper(alarm, 800);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(799);
    expect(last.woken).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(last.woken).toEqual([800]);
  });

  it('hears that a sleeper is due earlier, or later', () => {
    const alarm = new Alarm<Sleeper>();
    const earlier = sleeper(alarm, 500);
    earlier.dueAt = 20;
    alarm.set(earlier, 0);
    const later = sleeper(alarm, 30);
    later.dueAt = 600;
    alarm.set(later, 0);
    vi.advanceTimersByTime(1_000);
    expect(earlier.woken).toEqual([20]);
    expect(later.woken).toEqual([600]);
  });

  it('wakes a sleeper again that stays and sets itself a new time', () => {
    const alarm = new Alarm<Sleeper>();
    const woken: number[] = [];
    const each = {
      dueAt: 10,
      place: -1,
      timeUp: (now: number): void => {
        woken.push(now);
        each.dueAt = now + 10;
        if (woken.length < 3) alarm.set(each, now);
        else alarm.delete(each);
      },
    };
    alarm.set(each, 0);
    vi.advanceTimersByTime(1_000);
    expect(woken).toEqual([10, 20, 30]);
  });
});
