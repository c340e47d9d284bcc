import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gcra } from './gcra.ts';
import type { RateState } from './rate-state.ts';
import type { RateCharge } from './store.ts';
import { TestReading } from './test-reading.ts';

function charge(values: Partial<RateCharge> = {}): RateCharge {
  return { algorithm: 'gcra', key: 'k', cost: 1, count: 1, perMs: 1_000, burst: 3, ...values };
}

/** Spends when it fits, as a store does. */
function step(
  each: RateCharge,
  state: RateState | undefined,
  now: number,
): { wait: number; state: RateState | undefined } {
  const reading = new TestReading(gcra, each, state, now);
  const wait = reading.retryAfterMs;
  return { wait, state: wait === 0 ? reading.spend() : state };
}

describe('gcra', () => {
  it('lets a burst through at once and then the rate', () => {
    let state: RateState | undefined;
    const waits: number[] = [];
    for (const now of [0, 0, 0, 0, 999, 1_000, 1_000, 3_000, 3_000, 3_000]) {
      const result = step(charge(), state, now);
      waits.push(result.wait);
      state = result.state;
    }
    expect(waits).toEqual([0, 0, 0, 1_000, 1, 0, 1_000, 0, 0, 1_000]);
  });

  it('says what remains', () => {
    const first = new TestReading(gcra, charge({ cost: 2 }), undefined, 0);
    expect(first.remaining).toBe(3);
    const state = first.spend();
    expect(new TestReading(gcra, charge(), state, 0).remaining).toBe(1);
    expect(new TestReading(gcra, charge(), state, 500).remaining).toBe(1.5);
    expect(new TestReading(gcra, charge(), state, 10_000).remaining).toBe(3);
    expect(new TestReading(gcra, charge({ burst: 1 }), state, 0).remaining).toBe(0);
  });

  it('never lets a cost above the burst through, and always a cost of 0', () => {
    expect(new TestReading(gcra, charge({ cost: 3.5 }), undefined, 0).retryAfterMs).toBe(Number.POSITIVE_INFINITY);
    const full = new TestReading(gcra, charge({ cost: 3 }), undefined, 0).spend();
    expect(new TestReading(gcra, charge({ cost: 0 }), full, 0).retryAfterMs).toBe(0);
  });

  it('expires when the debt is paid off', () => {
    const state = new TestReading(gcra, charge({ cost: 2 }), undefined, 100).spend();
    expect(state.expiresAt).toBe(2_100);
    expect(new TestReading(gcra, charge({ cost: 0 }), undefined, 100).spend().expiresAt).toBe(100);
  });

  it('gives back no more than was spent', () => {
    const state = new TestReading(gcra, charge({ cost: 2 }), undefined, 0).spend();
    expect(
      new TestReading(gcra, charge(), new TestReading(gcra, charge({ cost: 1 }), state, 0).giveBack(), 0).remaining,
    ).toBe(2);
    expect(
      new TestReading(gcra, charge(), new TestReading(gcra, charge({ cost: 9 }), state, 0).giveBack(), 0).remaining,
    ).toBe(3);
  });

  it('keeps the debt when the limit changes its period', () => {
    const state = new TestReading(gcra, charge({ cost: 2 }), undefined, 0).spend();
    expect(new TestReading(gcra, charge({ count: 60, perMs: 60_000 }), state, 0).remaining).toBe(1);
  });

  it('is exact: the same as arithmetic with fractions of whole numbers, for as long as one likes', () => {
    const limit = fc.record({
      count: fc.integer({ min: 1, max: 1_000 }),
      perMs: fc.integer({ min: 1, max: 86_400_000 }),
      burst: fc.integer({ min: 1, max: 1_000 }),
    });
    const calls = fc.array(fc.record({ afterMs: fc.nat(5_000), cost: fc.nat(10) }), { maxLength: 60 });
    fc.assert(
      fc.property(limit, calls, fc.nat(2_000_000_000_000), ({ count, perMs, burst }, list, start) => {
        // The model: debt in units of 1/perMs, as big integers.
        let debt = 0n;
        let now = start;
        let state: RateState | undefined;
        for (const { afterMs, cost } of list) {
          now += afterMs;
          const paid = BigInt(afterMs) * BigInt(count);
          debt = debt > paid ? debt - paid : 0n;
          const after = debt + BigInt(cost) * BigInt(perMs);
          const excess = after - BigInt(burst) * BigInt(perMs);
          const each = charge({ cost, count, perMs, burst });
          const result = step(each, state, now);
          if (cost > burst) expect(result.wait).toBe(Number.POSITIVE_INFINITY);
          else expect(BigInt(result.wait)).toBe(excess > 0n ? (excess + BigInt(count) - 1n) / BigInt(count) : 0n);
          if (result.wait === 0) debt = after;
          state = result.state;
        }
      }),
      { numRuns: 300 },
    );
  });
});
