import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateTable } from './rate-table.ts';
import type { Charge, RateCharge } from './store.ts';

function gcra(key: string, values: Partial<RateCharge> = {}): RateCharge {
  return { algorithm: 'gcra', key, cost: 1, count: 10, perMs: 60_000, burst: 10, ...values };
}

/** Each key has one limit of each algorithm. */
const limits = {
  gcra: { algorithm: 'gcra', count: 3, perMs: 1_000, burst: 5 },
  fixed: { algorithm: 'fixed', count: 4, perMs: 700 },
  sliding: { algorithm: 'sliding', count: 4, perMs: 1_100 },
} as const;

function chargeOf(name: keyof typeof limits, key: string, cost: number): Charge {
  return { ...limits[name], key, cost };
}

/** Counts with whole numbers, with nothing but a list of what was spent and one moment for all. */
class Model {
  readonly #debts = new Map<string, { debt: bigint; at: number }>();
  readonly #windows = new Map<string, bigint>();
  time = 0;

  used({ algorithm, key, count, perMs }: Charge): bigint {
    if (algorithm === 'gcra') {
      const { debt, at } = this.#debts.get(key) ?? { debt: 0n, at: 0 };
      const left = debt - BigInt(this.time - at) * BigInt(count);
      return left > 0n ? left : 0n;
    }
    const window = Math.floor(this.time / perMs);
    const here = (this.#windows.get(`${algorithm} ${key} ${window}`) ?? 0n) * BigInt(perMs);
    const before = this.#windows.get(`${algorithm} ${key} ${window - 1}`) ?? 0n;
    return algorithm === 'fixed' ? here : here + before * BigInt((window + 1) * perMs - this.time);
  }

  add(charge: Charge, cost: number): void {
    const { algorithm, key, perMs } = charge;
    if (algorithm === 'gcra') {
      const debt = this.used(charge) + BigInt(cost) * BigInt(perMs);
      this.#debts.set(key, { debt: debt > 0n ? debt : 0n, at: this.time });
      return;
    }
    const window = Math.floor(this.time / perMs);
    const here = `${algorithm} ${key} ${window}`;
    const before = `${algorithm} ${key} ${window - 1}`;
    let left = (this.#windows.get(here) ?? 0n) + BigInt(cost);
    this.#windows.set(here, left > 0n ? left : 0n);
    if (left >= 0n || algorithm === 'fixed') return;
    left += this.#windows.get(before) ?? 0n;
    this.#windows.set(before, left > 0n ? left : 0n);
  }

  fits(charge: Charge): boolean {
    const capacity = charge.algorithm === 'gcra' ? charge.burst : charge.count;
    const after = this.used(charge) + BigInt(charge.cost) * BigInt(charge.perMs);
    return charge.cost === 0 || after <= BigInt(capacity) * BigInt(charge.perMs);
  }

  reset(key: string): void {
    this.#debts.delete(key);
    for (const id of this.#windows.keys()) if (id.split(' ')[1] === key) this.#windows.delete(id);
  }
}

const charges = fc.array(
  fc.record({
    name: fc.constantFrom('gcra', 'fixed', 'sliding'),
    key: fc.constantFrom('a', 'b', 'c'),
    cost: fc.nat(6),
  }),
  { minLength: 1, maxLength: 4 },
);
const call = fc.record({
  kind: fc.constantFrom('charge', 'charge', 'charge', 'refund', 'reset'),
  charges,
  // Forward mostly, and back: within a window, over several, and far.
  jumpMs: fc.oneof(fc.nat(400), fc.nat(3_000), fc.integer({ min: -4_000, max: 0 }), fc.constant(-86_400_000)),
});

describe('RateTable', () => {
  it('does what a naive model does: all or none, refund, reset, and a clock that jumps back stands still', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), (list) => {
        const table = new RateTable(100);
        const model = new Model();
        let now = 1_700_000_000_000;
        model.time = now;
        table.charge([chargeOf('gcra', 'a', 0)], now);
        for (const { kind, jumpMs, charges } of list) {
          // A reset does not ask what time it is.
          if (kind !== 'reset') {
            now += jumpMs;
            model.time += Math.max(0, jumpMs);
          }
          const made = charges.map(({ name, key, cost }) => chargeOf(name, key, cost));
          if (kind === 'reset') {
            table.reset(made.map(({ key }) => key));
            for (const { key } of made) model.reset(key);
          } else if (kind === 'refund') {
            table.refund(made, now);
            for (const charge of made) model.add(charge, -charge.cost);
          } else {
            const added: Charge[] = [];
            const fits = made.map((charge) => {
              const fit = model.fits(charge);
              if (fit) {
                model.add(charge, charge.cost);
                added.push(charge);
              }
              return fit;
            });
            const allowed = fits.every((each) => each);
            if (!allowed) for (const charge of added.reverse()) model.add(charge, -charge.cost);
            const result = table.charge(made, now);
            expect(result.allowed).toBe(allowed);
            result.states.forEach(({ remaining }, index) => {
              const charge = made[index];
              if (charge === undefined) throw new Error('a state without a charge');
              const capacity = charge.algorithm === 'gcra' ? charge.burst : charge.count;
              expect(remaining).toBeCloseTo(capacity - Number(model.used(charge)) / charge.perMs, 9);
            });
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('fits after the wait that it told, and not before', () => {
    const steps = fc.array(fc.record({ cost: fc.integer({ min: 1, max: 5 }), afterMs: fc.nat(900) }), {
      maxLength: 25,
    });
    fc.assert(
      fc.property(fc.constantFrom('gcra', 'fixed', 'sliding'), steps, (name, list) => {
        const table = new RateTable(100);
        let now = 1_700_000_000_000;
        for (const { cost, afterMs } of list) {
          now += afterMs;
          const { allowed, states } = table.charge([chargeOf(name, 'a', cost)], now);
          const wait = states[0]?.retryAfterMs ?? -1;
          if (allowed || wait === Number.POSITIVE_INFINITY) continue;
          expect(table.charge([chargeOf(name, 'a', cost)], now + wait - 1).allowed).toBe(false);
          now += wait;
          expect(table.charge([chargeOf(name, 'a', cost)], now).allowed).toBe(true);
        }
      }),
    );
  });

  it('keeps nobody out for longer than the window after a jump back, nor lets anybody in earlier', () => {
    for (const name of ['gcra', 'fixed', 'sliding'] as const) {
      const table = new RateTable(100);
      const cost = name === 'gcra' ? 5 : 4;
      table.charge([chargeOf(name, 'a', cost)], 1_800_000_000_000);
      const refused = table.charge([chargeOf(name, 'a', 1)], 1_700_000_000_000);
      expect(refused.allowed).toBe(false);
      const wait = refused.states[0]?.retryAfterMs ?? 0;
      expect(wait).toBeLessThanOrEqual(2 * limits[name].perMs);
      expect(table.charge([chargeOf(name, 'a', 1)], 1_700_000_000_000 + wait - 1).allowed).toBe(false);
      expect(table.charge([chargeOf(name, 'a', 1)], 1_700_000_000_000 + wait).allowed).toBe(true);
    }
  });

  it('keeps scopes apart, and resets one of them', () => {
    const table = new RateTable(100);
    table.charge([gcra('a', { cost: 10 })], 0, [1]);
    expect(table.charge([gcra('a', { cost: 10 }), gcra('a', { cost: 10 })], 0, [2, 3]).allowed).toBe(true);
    table.reset(['a'], 2);
    expect(table.charge([gcra('a')], 0, [1]).allowed).toBe(false);
    expect(table.charge([gcra('a')], 0, [2]).allowed).toBe(true);
    table.refund([gcra('a')], 0, [3]);
    expect(table.charge([gcra('a')], 0, [3]).allowed).toBe(true);
  });

  it('counts exactly in the year 2200, with a day of bytes and with a million a millisecond', () => {
    const now = Date.UTC(2200, 0);
    const table = new RateTable(100);
    const bytes = gcra('bytes', { count: 1_000_000_000, perMs: 86_400_000, burst: 100_000_000 });
    expect(table.charge([{ ...bytes, cost: 100_000_000 }], now).allowed).toBe(true);
    expect(table.charge([bytes], now).states[0]?.retryAfterMs).toBe(1);
    expect(table.charge([{ ...bytes, cost: 100_000_000 }], now + 8_639_999).allowed).toBe(false);
    expect(table.charge([{ ...bytes, cost: 100_000_000 }], now + 8_640_000).allowed).toBe(true);
    const fast = gcra('fast', { count: 1_000_000, perMs: 1, burst: 3 });
    expect(table.charge([{ ...fast, cost: 3 }], now).allowed).toBe(true);
    expect(table.charge([fast], now).states[0]?.retryAfterMs).toBe(1);
    expect(table.charge([{ ...fast, cost: 3 }], now + 1).allowed).toBe(true);
  });

  describe('at maxKeys', () => {
    it('keeps who is at his limit, whoever else comes, and forgets him when he is not', () => {
      const table = new RateTable(1_000);
      for (let index = 0; index < 900; index++) table.charge([gcra(`guesser ${index}`, { cost: 10 })], 0);
      for (let index = 0; index < 50_000; index++) table.charge([gcra(`flood ${index}`)], 1 + index / 50_000);
      for (let index = 0; index < 900; index++) {
        expect(table.charge([gcra(`guesser ${index}`)], 2).allowed).toBe(false);
      }
      for (let index = 0; index < 50_000; index++) {
        expect(table.charge([gcra(`later ${index}`)], 6_003 + index / 1_000).allowed).toBe(true);
      }
    });

    it('keeps whose last charge was refused, as long as it would be refused', () => {
      const table = new RateTable(100);
      const large = gcra('large', { count: 100, burst: 100, cost: 60 });
      table.charge([large], 0);
      // 40 are left: not at the limit, but 60 do not fit for 12 s.
      expect(table.charge([large], 0).allowed).toBe(false);
      const flood = (now: number): void => {
        for (let index = 0; index < 5_000; index++) {
          table.charge([gcra(`${now} ${index}`, { count: 100, burst: 100, cost: 90 })], now);
        }
      };
      flood(11_999);
      expect(table.charge([{ ...large, cost: 100 }], 11_999).states[0]?.remaining).toBeLessThan(60);
    });

    it('forgets first what has used least of its limit, and what has expired before that', () => {
      const table = new RateTable(8);
      for (let index = 0; index < 8; index++) table.charge([gcra(`old ${index}`, { cost: index === 5 ? 2 : 8 })], 0);
      table.charge([gcra('new', { cost: 9 })], 0);
      const remaining = (key: string): number => table.charge([gcra(key, { cost: 0 })], 0).states[0]?.remaining ?? -1;
      expect(remaining('old 5')).toBe(10);
      for (let index = 0; index < 8; index++) if (index !== 5) expect(remaining(`old ${index}`)).toBe(2);
      expect(remaining('new')).toBe(1);
    });

    it('refuses every new key when all are at their limits, and tells when there is room', () => {
      const table = new RateTable(50);
      for (let index = 0; index < 50; index++) table.charge([gcra(`full ${index}`, { cost: 10 })], index);
      for (let index = 0; index < 1_000; index++) {
        const { allowed, states } = table.charge([gcra(`new ${index}`)], 100);
        expect(allowed).toBe(false);
        expect(states[0]?.remaining).toBe(0);
        // One is paid off every 6 s, first by the key of moment 0; rounded up, in single precision.
        expect(states[0]?.retryAfterMs).toBeGreaterThanOrEqual(5_900);
        expect(states[0]?.retryAfterMs).toBeLessThanOrEqual(5_902);
      }
      for (let index = 0; index < 50; index++) expect(table.charge([gcra(`full ${index}`)], 100).allowed).toBe(false);
      // What is asked about needs no room, and a reset makes some.
      expect(table.charge([gcra('other', { cost: 0 })], 100).allowed).toBe(true);
      table.reset(['full 30']);
      expect(table.charge([gcra('other', { cost: 10 })], 100).allowed).toBe(true);
      expect(table.charge([gcra('another')], 100).allowed).toBe(false);
      expect(table.charge([gcra('new')], 6_003).allowed).toBe(true);
    });

    it('pushes no key of a call out by another of it, and takes back what a refused call added', () => {
      const table = new RateTable(20);
      const all = Array.from({ length: 20 }, (_, index) => gcra(`one ${index}`));
      expect(table.charge(all, 0).allowed).toBe(true);
      expect(table.charge(all, 0).states.every(({ remaining }) => remaining === 8)).toBe(true);
      expect(table.charge([...all, gcra('too many')], 0).allowed).toBe(false);
      expect(table.charge(all, 0).states.every(({ remaining }) => remaining === 7)).toBe(true);
      // Refused calls with new names in them push out one state at most.
      table.charge([gcra('guesser', { cost: 10 })], 0);
      for (let index = 0; index < 1_000; index++) {
        expect(table.charge([gcra(`random ${index}`), gcra('guesser')], 0).allowed).toBe(false);
      }
      const asked = table.charge(
        all.map((charge) => ({ ...charge, cost: 0 })),
        0,
      );
      expect(asked.states.filter(({ remaining }) => remaining === 10).length).toBeLessThanOrEqual(2);
    });

    it('finds every key again after thousands have come, gone and come back', () => {
      const table = new RateTable(300);
      const kept = new Map<string, number>();
      const key = fc.nat(250).map((number) => `key ${number}`);
      fc.assert(
        fc.property(fc.array(fc.record({ key, gone: fc.boolean() }), { minLength: 100, maxLength: 300 }), (list) => {
          for (const { key, gone } of list) {
            if (gone) {
              table.reset([key]);
              kept.delete(key);
            } else if (table.charge([gcra(key, { count: 100_000, burst: 100_000 })], 0).allowed) {
              kept.set(key, (kept.get(key) ?? 0) + 1);
            }
          }
          for (let number = 0; number <= 250; number++) {
            const asked = table.charge([gcra(`key ${number}`, { count: 100_000, burst: 100_000, cost: 0 })], 0);
            expect(asked.states[0]?.remaining).toBe(100_000 - (kept.get(`key ${number}`) ?? 0));
          }
        }),
        { numRuns: 50 },
      );
    });
  });
});
