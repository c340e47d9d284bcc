import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateState } from './rate-state.ts';
import type { WindowCharge } from './store.ts';
import { TestReading } from './test-reading.ts';
import { fixedWindow, slidingWindow } from './window.ts';

function charge(values: Partial<WindowCharge> = {}): WindowCharge {
  return { algorithm: 'fixed', key: 'k', cost: 1, count: 3, perMs: 1_000, ...values };
}

function spend(reading: TestReading, state: RateState | undefined): { wait: number; state: RateState | undefined } {
  const wait = reading.retryAfterMs;
  return { wait, state: wait === 0 ? reading.spend() : state };
}

const limits = fc.record({ count: fc.integer({ min: 1, max: 50 }), perMs: fc.integer({ min: 1, max: 100_000 }) });
const calls = fc.array(fc.record({ afterMs: fc.nat(30_000), cost: fc.nat(20) }), { maxLength: 40 });

describe('fixedWindow', () => {
  it('counts in windows that start at multiples of their length', () => {
    let state: RateState | undefined;
    const waits: number[] = [];
    for (const now of [1_900, 1_900, 1_900, 1_900, 1_999, 2_000, 2_000, 2_000, 2_001]) {
      const result = spend(new TestReading(fixedWindow, charge(), state, now), state);
      waits.push(result.wait);
      state = result.state;
    }
    expect(waits).toEqual([0, 0, 0, 100, 1, 0, 0, 0, 999]);
  });

  it('says what remains, when it expires, and that some costs never fit', () => {
    const state = new TestReading(fixedWindow, charge({ cost: 2 }), undefined, 1_900).spend();
    expect(state.expiresAt).toBe(2_000);
    expect(new TestReading(fixedWindow, charge(), state, 1_950).remaining).toBe(1);
    expect(new TestReading(fixedWindow, charge(), state, 2_000).remaining).toBe(3);
    expect(new TestReading(fixedWindow, charge({ count: 1 }), state, 1_950).remaining).toBe(0);
    expect(new TestReading(fixedWindow, charge({ perMs: 500 }), state, 1_950).remaining).toBe(3);
    expect(new TestReading(fixedWindow, charge({ cost: 4 }), undefined, 0).retryAfterMs).toBe(Number.POSITIVE_INFINITY);
    expect(new TestReading(fixedWindow, charge({ cost: 0 }), undefined, 5).spend().expiresAt).toBe(0);
  });

  it('gives back no more than this window has', () => {
    const state = new TestReading(fixedWindow, charge({ cost: 2 }), undefined, 100).spend();
    expect(
      new TestReading(fixedWindow, charge(), new TestReading(fixedWindow, charge(), state, 100).giveBack(), 100)
        .remaining,
    ).toBe(2);
    expect(new TestReading(fixedWindow, charge({ cost: 3 }), state, 100).giveBack().spent).toBe(0);
    expect(new TestReading(fixedWindow, charge(), state, 1_100).giveBack().spent).toBe(0);
  });

  it('never lets more than count through in one window, and exactly as much as a naive model', () => {
    fc.assert(
      fc.property(limits, calls, ({ count, perMs }, list) => {
        const spentIn = new Map<number, number>();
        let now = 1_700_000_000_000;
        let state: RateState | undefined;
        for (const { afterMs, cost } of list) {
          now += afterMs;
          const window = Math.floor(now / perMs);
          const spent = spentIn.get(window) ?? 0;
          const result = spend(new TestReading(fixedWindow, charge({ cost, count, perMs }), state, now), state);
          expect(result.wait === 0).toBe(cost === 0 || spent + cost <= count);
          if (result.wait === 0) spentIn.set(window, spent + cost);
          else if (cost <= count) expect(result.wait).toBe((window + 1) * perMs - now);
          state = result.state;
        }
        for (const spent of spentIn.values()) expect(spent).toBeLessThanOrEqual(count);
      }),
    );
  });
});

describe('slidingWindow', () => {
  it('weighs the window before by what of it lies within the last period', () => {
    let state = new TestReading(slidingWindow, charge({ count: 10, cost: 8 }), undefined, 1_000).spend();
    expect(state.expiresAt).toBe(3_000);
    expect(new TestReading(slidingWindow, charge({ count: 10 }), state, 1_999).remaining).toBe(2);
    expect(new TestReading(slidingWindow, charge({ count: 10 }), state, 2_000).remaining).toBe(2);
    expect(new TestReading(slidingWindow, charge({ count: 10 }), state, 2_250).remaining).toBe(4);
    state = new TestReading(slidingWindow, charge({ count: 10, cost: 4 }), state, 2_250).spend();
    expect(new TestReading(slidingWindow, charge({ count: 10 }), state, 2_500).remaining).toBe(2);
    expect(new TestReading(slidingWindow, charge({ count: 10 }), state, 3_000).remaining).toBe(6);
    expect(new TestReading(slidingWindow, charge({ count: 10 }), state, 4_000).remaining).toBe(10);
    expect(new TestReading(slidingWindow, charge({ count: 10, perMs: 500 }), state, 2_500).remaining).toBe(10);
  });

  it('gives back from this window first, then from the one before', () => {
    const first = new TestReading(slidingWindow, charge({ cost: 3 }), undefined, 1_000).spend();
    const second = new TestReading(slidingWindow, charge({ count: 9, cost: 2 }), first, 2_000).spend();
    expect(new TestReading(slidingWindow, charge({ cost: 1 }), second, 2_000).giveBack()).toMatchObject({
      spent: 1,
      spentBefore: 3,
    });
    expect(new TestReading(slidingWindow, charge({ cost: 4 }), second, 2_000).giveBack()).toMatchObject({
      spent: 0,
      spentBefore: 1,
    });
    const nothing = new TestReading(slidingWindow, charge({ cost: 9 }), second, 2_000).giveBack();
    expect(nothing).toMatchObject({ spent: 0, spentBefore: 0, expiresAt: 2_000 });
  });

  it('lets exactly as much through as a naive model, and what it told to wait fits then and not before', () => {
    fc.assert(
      fc.property(limits, calls, ({ count, perMs }, list) => {
        const spentIn = new Map<number, bigint>();
        const fits = (at: number, cost: number): boolean => {
          const window = Math.floor(at / perMs);
          const left = BigInt((window + 1) * perMs - at);
          const weight = (spentIn.get(window - 1) ?? 0n) * left + (spentIn.get(window) ?? 0n) * BigInt(perMs);
          return cost === 0 || weight + BigInt(cost) * BigInt(perMs) <= BigInt(count) * BigInt(perMs);
        };
        let now = 1_700_000_000_000;
        let state: RateState | undefined;
        for (const { afterMs, cost } of list) {
          now += afterMs;
          const result = spend(new TestReading(slidingWindow, charge({ cost, count, perMs }), state, now), state);
          expect(result.wait === 0).toBe(fits(now, cost));
          if (result.wait === 0) {
            const window = Math.floor(now / perMs);
            spentIn.set(window, (spentIn.get(window) ?? 0n) + BigInt(cost));
          } else if (cost > count) {
            expect(result.wait).toBe(Number.POSITIVE_INFINITY);
          } else {
            expect(fits(now + result.wait, cost)).toBe(true);
            expect(fits(now + result.wait - 1, cost)).toBe(false);
          }
          state = result.state;
        }
      }),
      { numRuns: 300 },
    );
  });
});
