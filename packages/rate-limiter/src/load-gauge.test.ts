import { FakeClock } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { LoadGauge } from './load-gauge.ts';

describe('LoadGauge', () => {
  it('needs more load to enter than to stay', () => {
    const clock = new FakeClock();
    let load = 0;
    const gauge = new LoadGauge({ load: () => load, enterAt: 100, leaveAt: 20, everyMs: 1_000, clock });
    const at = (value: number): boolean => {
      load = value;
      clock.advance(1_000);
      return gauge.overloaded;
    };
    expect([0, 99, 100, 50, 20, 19, 50, 99, 150].map(at)).toEqual([
      false,
      false,
      true,
      true,
      true,
      false,
      false,
      false,
      true,
    ]);
  });

  it('asks no more often than it is told to, even when the clock goes back', () => {
    const clock = new FakeClock();
    let asked = 0;
    const load = (): number => {
      asked += 1;
      return 0;
    };
    const gauge = new LoadGauge({ load, everyMs: 1_000, clock });
    for (let count = 0; count < 100; count += 1) expect(gauge.overloaded).toBe(false);
    expect(asked).toBe(1);
    clock.advance(999);
    expect(gauge.overloaded).toBe(false);
    expect(asked).toBe(1);
    clock.set(0);
    expect(gauge.overloaded).toBe(false);
    expect(asked).toBe(2);
  });

  it.each<[string, () => number]>([
    ['throws', () => JSON.parse('{')],
    ['is no number', () => Number.NaN],
    ['is infinite', () => Number.POSITIVE_INFINITY],
  ])('is not overloaded when the load %s', (_, load) => {
    expect(new LoadGauge({ load }).overloaded).toBe(false);
  });

  it('sees a blocked event loop, and watches it only while it is in use', async () => {
    const clock = new FakeClock();
    using gauge = new LoadGauge({ enterAt: 50, leaveAt: 40, clock });
    expect(gauge.overloaded).toBe(false);
    const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 25));
    await turn();
    clock.advance(1_000);
    expect(typeof gauge.overloaded).toBe('boolean');
    await turn();
    await turn();
    const until = performance.now() + 600;
    while (performance.now() < until);
    await turn();
    clock.advance(1_000);
    expect(gauge.overloaded).toBe(true);
    gauge[Symbol.dispose]();
    expect(gauge.overloaded).toBe(false);
  });

  it.each<[object, string]>([
    [{ load: 7 }, 'option "load"'],
    [{ enterAt: 0 }, 'option "enterAt"'],
    [{ enterAt: 10, leaveAt: 11 }, 'option "leaveAt"'],
    [{ everyMs: 1 }, 'option "everyMs"'],
    [{ clock: 0 }, 'option "clock"'],
    [{ threshold: 1 }, 'unknown option "threshold"'],
  ])('refuses wrong options: %o', (options, message) => {
    expect(() => new LoadGauge(options)).toThrow(message);
  });
});
