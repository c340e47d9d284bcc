import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { Charge, ChargeResult, RateCharge, WindowCharge } from '@postern/core';
import { SeededRandom } from '../seeded-random.ts';
import { expectNumber, expectRangeError, type StoreDemand, type StoreSubject } from './store-subject.ts';

/** Ten a second, three at once: one every 100 ms. */
function rate(key: string, cost: number = 1): RateCharge {
  return { algorithm: 'gcra', key, cost, count: 10, perMs: 1_000, burst: 3 };
}

function window(algorithm: 'fixed' | 'sliding', key: string, cost: number = 1): WindowCharge {
  return { algorithm, key, cost, count: 4, perMs: 1_000 };
}

/** Goes to a moment that lies so far behind the start of a window of a second. */
async function advanceInto(subject: StoreSubject, ms: number): Promise<void> {
  await subject.advance(1_000 - (subject.now() % 1_000) + ms);
}

function first({ states }: ChargeResult): { remaining: number; retryAfterMs: number } {
  const [state] = states;
  ok(state !== undefined, 'a charge must have a state');
  return state;
}

/** What `charge` and its like promise. */
export function* chargeDemands(): Generator<StoreDemand> {
  yield* rateDemands();
  yield* windowDemands();
  yield* togetherDemands();
  yield* takingBackDemands();
}

function* rateDemands(): Generator<StoreDemand> {
  yield [
    'gcra: the burst fits at once, and then one every perMs ÷ count',
    async ({ store, advance, key, slackMs }) => {
      const charge = rate(key('client'));
      for (const remaining of [2, 1, 0]) {
        const result = await store.charge([charge]);
        strictEqual(result.allowed, true);
        strictEqual(first(result).retryAfterMs, 0);
        expectNumber(first(result).remaining, remaining, 0.01 * 3, slackMs);
      }
      const refused = await store.charge([charge]);
      strictEqual(refused.allowed, false);
      expectNumber(first(refused).retryAfterMs, 100, -4, slackMs);
      await advance(first(refused).retryAfterMs);
      strictEqual((await store.charge([charge])).allowed, true);
      strictEqual((await store.charge([charge])).allowed, false);
    },
  ];
  yield [
    'gcra: what is refused costs nothing, however often it is tried',
    async ({ store, advance, key, slackMs }) => {
      const charge = rate(key('client'));
      await store.charge([{ ...charge, cost: 3 }]);
      for (let tries = 0; tries < 5; tries++) strictEqual((await store.charge([charge])).allowed, false);
      expectNumber(first(await store.charge([charge])).retryAfterMs, 100, -7, slackMs);
      await advance(100);
      strictEqual((await store.charge([charge])).allowed, true);
    },
  ];
  yield [
    'gcra: idle time never makes room for more than the burst',
    async ({ store, advance, key, slackMs }) => {
      const charge = rate(key('client'), 3);
      await store.charge([charge]);
      await advance(1_000);
      expectNumber(first(await store.charge([{ ...charge, cost: 0 }])).remaining, 3, 0, slackMs);
      strictEqual((await store.charge([charge])).allowed, true);
      strictEqual((await store.charge([rate(key('client'))])).allowed, false);
    },
  ];
  yield [
    'gcra: a cost of 0 asks without charging; fractions count',
    async ({ store, key, slackMs }) => {
      const charge = rate(key('client'), 0.5);
      expectNumber(first(await store.charge([charge])).remaining, 2.5, 0.01, slackMs);
      for (let asked = 0; asked < 3; asked++) {
        const result = await store.charge([{ ...charge, cost: 0 }]);
        deepStrictEqual([result.allowed, first(result).retryAfterMs], [true, 0]);
        expectNumber(first(result).remaining, 2.5, 0.04, slackMs);
      }
    },
  ];
  yield [
    'gcra: a cost above the burst never fits',
    async ({ store, key }) => {
      const result = await store.charge([rate(key('client'), 3.5)]);
      deepStrictEqual([result.allowed, first(result).retryAfterMs], [false, Number.POSITIVE_INFINITY]);
      strictEqual(first(result).remaining, 3);
    },
  ];
  yield [
    'gcra: any sequence ends as the theoretical arrival time says (ITU-T I.371)',
    async (subject) => {
      // Where time passes by itself nothing is exact to the millisecond.
      if (subject.slackMs > 0) return;
      const charge = rate(subject.key('client'));
      const random = new SeededRandom(4711);
      let arrival = Number.NEGATIVE_INFINITY;
      for (let step = 0; step < 500; step++) {
        await subject.advance(Math.floor(random.next() * 150));
        const cost = Math.floor(random.next() * 5);
        const now = subject.now();
        const next = Math.max(arrival, now) + cost * 100;
        const allowed = next - now <= 300;
        const result = await subject.store.charge([{ ...charge, cost }]);
        strictEqual(result.allowed, allowed, `step ${step}`);
        if (allowed) arrival = next;
        const wait = cost > 3 ? Number.POSITIVE_INFINITY : Math.max(0, next - now - 300);
        strictEqual(first(result).retryAfterMs, allowed ? 0 : wait, `step ${step}`);
        expectNumber(first(result).remaining, (300 - Math.max(0, arrival - now)) / 100, 0, 0);
      }
    },
  ];
}

function* windowDemands(): Generator<StoreDemand> {
  yield [
    'fixed: count in each window; windows start at multiples of perMs',
    async (subject) => {
      const { store, advance, key, slackMs } = subject;
      const charge = window('fixed', key('client'));
      await advanceInto(subject, 700);
      for (const remaining of [3, 2, 1, 0]) {
        const result = await store.charge([charge]);
        deepStrictEqual([result.allowed, first(result).remaining], [true, remaining]);
      }
      const refused = await store.charge([charge]);
      deepStrictEqual([refused.allowed, first(refused).remaining], [false, 0]);
      expectNumber(first(refused).retryAfterMs, 300, -6, slackMs);
      await advance(first(refused).retryAfterMs);
      strictEqual((await store.charge([{ ...charge, cost: 4 }])).allowed, true);
    },
  ];
  yield [
    'sliding: the window before counts for the part of it that is still near',
    async (subject) => {
      const { store, advance, key, slackMs } = subject;
      const charge = window('sliding', key('client'));
      await advanceInto(subject, 0);
      strictEqual((await store.charge([{ ...charge, cost: 4 }])).allowed, true);
      await advanceInto(subject, 500);
      // Half of 4 counts; 4 a second is 0.004 a millisecond.
      expectNumber(first(await store.charge([{ ...charge, cost: 0 }])).remaining, 2, 0.004, slackMs);
      strictEqual((await store.charge([{ ...charge, cost: 2 }])).allowed, true);
      const refused = await store.charge([charge]);
      strictEqual(refused.allowed, false);
      // 4 × left ÷ 1000 + 2 + 1 ≤ 4 when 250 ms are left.
      expectNumber(first(refused).retryAfterMs, 250, -3, slackMs);
      await advance(first(refused).retryAfterMs);
      strictEqual((await store.charge([charge])).allowed, true);
    },
  ];
  yield [
    'sliding: a whole window later nothing counts any more',
    async (subject) => {
      const charge = window('sliding', subject.key('client'), 4);
      await subject.store.charge([charge]);
      await subject.advance(2_000);
      const asked = await subject.store.charge([{ ...charge, cost: 0 }]);
      strictEqual(first(asked).remaining, 4);
    },
  ];
  for (const algorithm of ['fixed', 'sliding'] as const) {
    yield [
      `${algorithm}: a cost above the count never fits, a cost of 0 asks`,
      async ({ store, key }) => {
        const result = await store.charge([window(algorithm, key('client'), 5)]);
        deepStrictEqual([result.allowed, first(result).retryAfterMs], [false, Number.POSITIVE_INFINITY]);
        const asked = await store.charge([window(algorithm, key('client'), 0)]);
        deepStrictEqual([asked.allowed, asked.states], [true, [{ key: key('client'), remaining: 4, retryAfterMs: 0 }]]);
      },
    ];
  }
}

function* togetherDemands(): Generator<StoreDemand> {
  yield [
    'charges all or none, and says how each one stands, in order',
    async ({ store, key, slackMs }) => {
      const full = rate(key('full'), 3);
      await store.charge([full]);
      const both: Charge[] = [window('fixed', key('free')), { ...full, cost: 1 }];
      const result = await store.charge(both);
      strictEqual(result.allowed, false);
      deepStrictEqual(
        result.states.map((state) => state.key),
        [key('free'), key('full')],
      );
      deepStrictEqual(result.states[0], { key: key('free'), remaining: 4, retryAfterMs: 0 });
      expectNumber(result.states[1]?.retryAfterMs ?? 0, 100, -2, slackMs);
    },
  ];
  yield [
    'counts a key that stands twice in a call twice',
    async ({ store, key, slackMs }) => {
      const charge = rate(key('client'), 2);
      strictEqual((await store.charge([charge, charge])).allowed, false);
      const result = await store.charge([charge, { ...charge, cost: 1 }]);
      strictEqual(result.allowed, true);
      expectNumber(result.states[1]?.remaining ?? -1, 0, 0.01 * 2, slackMs);
    },
  ];
  yield [
    'charges nothing when there is nothing to charge',
    async ({ store }) => deepStrictEqual(await store.charge([]), { allowed: true, states: [] }),
  ];
  yield [
    'lets exactly the burst through, however many ask at once and through whichever door',
    async ({ store, other, key }) => {
      // One an hour: none comes back during the test.
      const charge: Charge = { algorithm: 'gcra', key: key('client'), cost: 1, count: 1, perMs: 3_600_000, burst: 10 };
      const results = await Promise.all(
        Array.from({ length: 100 }, async (_, index) => (index % 2 === 0 ? store : other).charge([charge])),
      );
      strictEqual(results.filter(({ allowed }) => allowed).length, 10);
    },
  ];
  yield [
    'keeps keys apart, whatever stands in them',
    async ({ store, key }) => {
      const long = 'x'.repeat(5_000);
      const names = ['a', 'A', 'a ', 'a\0', 'a\n', '\u00fc', 'a:b', '{a}', '*', long, `${long}y`];
      for (const name of names) {
        const result = await store.charge([window('fixed', key(name), 4)]);
        deepStrictEqual(result.states, [{ key: key(name), remaining: 0, retryAfterMs: 0 }]);
        strictEqual(result.allowed, true);
      }
    },
  ];
  const right = { key: 'x', cost: 1, count: 1, perMs: 1 };
  const wrong: Charge[] = [
    ...[-1, Number.NaN, Number.POSITIVE_INFINITY].map((cost): Charge => ({ ...right, algorithm: 'fixed', cost })),
    ...[0, -1, Number.NaN].map((count): Charge => ({ ...right, algorithm: 'sliding', count })),
    ...[0, -1, Number.NaN].map((perMs): Charge => ({ ...right, algorithm: 'fixed', perMs })),
    ...[0, -1, Number.NaN].map((burst): Charge => ({ ...right, algorithm: 'gcra', burst })),
  ];
  yield [
    'takes a charge that cannot be meant for a RangeError, and charges nothing of that call',
    async ({ store, key }) => {
      const good = window('fixed', key('client'));
      for (const charge of wrong) {
        await expectRangeError(() => store.charge([good, { ...charge, key: key('wrong') }]));
        await expectRangeError(() => store.refund([{ ...charge, key: key('wrong') }]));
      }
      strictEqual(first(await store.charge([{ ...good, cost: 0 }])).remaining, 4);
    },
  ];
}

function* takingBackDemands(): Generator<StoreDemand> {
  yield [
    'refund takes charges back, as far as there is something to take back',
    async ({ store, key, slackMs }) => {
      const charges = [rate(key('rate'), 2), window('fixed', key('fixed'), 2), window('sliding', key('sliding'), 2)];
      const remaining = async (): Promise<number[]> => {
        const { states } = await store.charge(charges.map((charge) => ({ ...charge, cost: 0 })));
        return states.map((state) => state.remaining);
      };
      const full = [3, 4, 4];
      await store.refund(charges);
      deepStrictEqual(await remaining(), full);
      await store.charge(charges);
      await store.refund(charges.map((charge) => ({ ...charge, cost: 1 })));
      (await remaining()).forEach((actual, index) => {
        expectNumber(actual, (full[index] ?? 0) - 1, 0.02, slackMs);
      });
      await store.refund(charges);
      deepStrictEqual(await remaining(), full);
    },
  ];
  yield [
    'refund gives nothing back of a window that is over',
    async (subject) => {
      const { store, key } = subject;
      const charge = window('fixed', key('client'), 4);
      await store.charge([charge]);
      await advanceInto(subject, 0);
      await store.charge([charge]);
      await advanceInto(subject, 0);
      await store.refund([charge]);
      strictEqual(first(await store.charge([{ ...charge, cost: 0 }])).remaining, 4);
    },
  ];
  yield [
    'reset forgets what was charged to the keys, and to no others',
    async ({ store, key, slackMs }) => {
      const charges = [rate(key('a'), 3), window('fixed', key('a'), 4), window('sliding', key('b'), 4)];
      await store.charge([...charges, rate(key('c'), 3)]);
      await store.reset([key('a'), key('b'), key('unknown')]);
      await store.reset([]);
      const { states } = await store.charge([...charges, rate(key('c'), 0)].map((charge) => ({ ...charge, cost: 0 })));
      deepStrictEqual(
        states.slice(0, 3).map(({ remaining }) => remaining),
        [3, 4, 4],
      );
      expectNumber(states[3]?.remaining ?? -1, 0, 0.01 * 4, slackMs);
    },
  ];
}
