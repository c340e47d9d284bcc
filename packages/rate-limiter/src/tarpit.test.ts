import { FakeClock } from '@postern/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tarpit } from './tarpit.ts';

describe('Tarpit', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('holds for as long as it is told, up to its bound, then lets go', async () => {
    const tarpit = new Tarpit({ maxDelayMs: 2_000 });
    const done: string[] = [];
    void tarpit.delay(1_000).then((waited) => done.push(`short ${waited}`));
    void tarpit.delay(60_000).then((waited) => done.push(`long ${waited}`));
    expect(tarpit.held).toBe(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(done).toEqual(['short true']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(done).toEqual(['short true', 'long true']);
    expect(tarpit.held).toBe(0);
  });

  it('holds no more than it has places for: the others go on at once', async () => {
    const tarpit = new Tarpit({ maxHeld: 2 });
    void tarpit.delay(5_000);
    void tarpit.delay(5_000);
    for (let count = 0; count < 100; count += 1) expect(await tarpit.delay(5_000)).toBe(false);
    expect(tarpit.held).toBe(2);
    expect(vi.getTimerCount()).toBe(2);
  });

  it('holds no more when the clock jumps', async () => {
    const clock = new FakeClock();
    const tarpit = new Tarpit({ maxHeld: 2, clock });
    void tarpit.delay(5_000);
    void tarpit.delay(5_000);
    for (const now of [clock.now() + 86_400_000, 0]) {
      clock.set(now);
      expect(await tarpit.delay(5_000)).toBe(false);
      expect(tarpit.hold(5_000).delayMs).toBe(0);
    }
    await vi.advanceTimersByTimeAsync(5_000);
    expect(tarpit.held).toBe(0);
  });

  it('lets go at the abort', async () => {
    const tarpit = new Tarpit();
    const controller = new AbortController();
    const waiting = tarpit.delay(5_000, controller.signal);
    controller.abort();
    expect(await waiting).toBe(false);
    expect(await tarpit.delay(5_000, controller.signal)).toBe(false);
    expect(tarpit.held).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not hold for nothing', async () => {
    const tarpit = new Tarpit();
    expect(await tarpit.delay(0)).toBe(false);
    expect(new Tarpit({ maxHeld: 0 }).hold(1_000).delayMs).toBe(0);
    expect(new Tarpit({ maxDelayMs: 0 }).hold(1_000).delayMs).toBe(0);
  });

  it('frees a place that nobody gave back when its delay is over, and when the clock goes back', () => {
    const clock = new FakeClock();
    const tarpit = new Tarpit({ maxHeld: 1, clock });
    expect(tarpit.hold(1_000).delayMs).toBe(1_000);
    expect(tarpit.hold(1_000).delayMs).toBe(0);
    clock.advance(1_000);
    expect(tarpit.hold(1_000).delayMs).toBe(1_000);
    clock.set(0);
    expect(tarpit.hold(1_000).delayMs).toBe(1_000);
  });

  it('never holds more than the bound, in whatever order places are taken and given back', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(20), fc.constant('release' as const))), (steps) => {
        const clock = new FakeClock();
        const tarpit = new Tarpit({ maxHeld: 3, clock });
        const live: { until: number; release: () => void }[] = [];
        for (const step of steps) {
          if (step === 'release') {
            const first = live.shift();
            first?.release();
            first?.release();
          } else {
            clock.advance(step);
            const { delayMs, release } = tarpit.hold(10);
            if (delayMs > 0) live.push({ until: clock.now() + delayMs, release });
          }
          const held = live.filter(({ until }) => until > clock.now()).length;
          expect(tarpit.held).toBe(held);
          expect(held).toBeLessThanOrEqual(3);
        }
      }),
    );
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuses to hold for %d ms', (ms) => {
    expect(() => new Tarpit().hold(ms)).toThrow(RangeError);
  });

  it.each<[object, string]>([
    [{ maxHeld: -1 }, 'option "maxHeld"'],
    [{ maxDelayMs: 300_001 }, 'option "maxDelayMs"'],
    [{ clock: 0 }, 'option "clock"'],
    [{ max: 0 }, 'unknown option "max"'],
  ])('refuses wrong options: %o', (options, message) => {
    expect(() => new Tarpit(options)).toThrow(message);
  });
});
