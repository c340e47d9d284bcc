import { deepStrictEqual, fail, ok, strictEqual } from 'node:assert/strict';
import type { AcquireResult, Slot, SlotLease, Store } from '@postern/core';
import { expectRangeError, type StoreDemand } from './store-subject.ts';

/** Longer than any case takes where time passes by itself. */
const LONG_MS = 60_000;
const SHORT_MS = 300;

async function take(store: Store, slots: readonly Slot[], leaseMs: number = LONG_MS): Promise<SlotLease> {
  const result = await store.acquire(slots, leaseMs);
  return result.granted ? result.lease : fail(`the slot must be free, ${result.held} are held`);
}

async function expectFull(result: AcquireResult | Promise<AcquireResult>, key: string, held: number): Promise<void> {
  deepStrictEqual(await result, { granted: false, key, held });
}

/** What `acquire`, `renew` and `release` promise. */
export function* slotDemands(): Generator<StoreDemand> {
  yield [
    'slots: at most limit are held at once, whoever holds them',
    async ({ store, other, key }) => {
      const slot = { key: key('client'), limit: 2 };
      const one = await take(store, [slot]);
      const two = await take(other, [slot]);
      deepStrictEqual([one.keys, two.keys], [[slot.key], [slot.key]]);
      ok(one.id !== two.id, 'every lease must have its own id');
      await expectFull(store.acquire([slot], LONG_MS), slot.key, 2);
      await other.release(one);
      await take(store, [slot]);
      await expectFull(other.acquire([slot], LONG_MS), slot.key, 2);
    },
  ];
  yield [
    'slots: all or none; the first full key is named',
    async ({ store, key }) => {
      const free = { key: key('free'), limit: 1 };
      const full = { key: key('full'), limit: 1 };
      const alsoFull = { key: key('also full'), limit: 2 };
      await take(store, [full, alsoFull]);
      await take(store, [alsoFull]);
      await expectFull(store.acquire([free, alsoFull, full], LONG_MS), alsoFull.key, 2);
      await take(store, [free]);
      await expectFull(store.acquire([free], LONG_MS), free.key, 1);
    },
  ];
  yield [
    'slots: a second release does nothing',
    async ({ store, key }) => {
      const slot = { key: key('client'), limit: 2 };
      const lease = await take(store, [slot]);
      await take(store, [slot]);
      await store.release(lease);
      await store.release(lease);
      await take(store, [slot]);
      await expectFull(store.acquire([slot], LONG_MS), slot.key, 2);
    },
  ];
  yield [
    'slots: come free by themselves when the lease runs out, and its holder cannot give them back any more',
    async ({ store, advance, key }) => {
      const slot = { key: key('client'), limit: 1 };
      const lost = await take(store, [slot], SHORT_MS);
      await advance(SHORT_MS / 3);
      await expectFull(store.acquire([slot], LONG_MS), slot.key, 1);
      await advance(SHORT_MS);
      await take(store, [slot]);
      strictEqual(await store.renew(lost, LONG_MS), false);
      await store.release(lost);
      await expectFull(store.acquire([slot], LONG_MS), slot.key, 1);
    },
  ];
  yield [
    'slots: a renewed lease holds on, from now',
    async ({ store, other, advance, key }) => {
      const slots = [
        { key: key('a'), limit: 1 },
        { key: key('b'), limit: 1 },
      ];
      const lease = await take(store, slots, SHORT_MS);
      await advance((SHORT_MS * 2) / 3);
      strictEqual(await other.renew(lease, SHORT_MS), true);
      await advance((SHORT_MS * 2) / 3);
      for (const slot of slots) await expectFull(store.acquire([slot], LONG_MS), slot.key, 1);
      await advance(SHORT_MS);
      await take(store, slots);
    },
  ];
  yield [
    'slots: of several leases each runs out in its own time',
    async ({ store, advance, key }) => {
      const slot = { key: key('client'), limit: 2 };
      await take(store, [slot], LONG_MS);
      await take(store, [slot], SHORT_MS);
      await advance(SHORT_MS * 2);
      await take(store, [slot]);
      await expectFull(store.acquire([slot], LONG_MS), slot.key, 2);
    },
  ];
  yield [
    'slots: a released lease cannot be renewed',
    async ({ store, key }) => {
      const lease = await take(store, [{ key: key('client'), limit: 1 }]);
      await store.release(lease);
      strictEqual(await store.renew(lease, LONG_MS), false);
    },
  ];
  yield [
    'slots: a limit of 0 lets nobody in; no slots at all are always free',
    async ({ store, key }) => {
      await expectFull(store.acquire([{ key: key('client'), limit: 0 }], LONG_MS), key('client'), 0);
      await store.release(await take(store, []));
    },
  ];
  yield [
    'slots: exactly limit are given out, however many ask at once and through whichever door',
    async ({ store, other, key }) => {
      const slot = { key: key('client'), limit: 5 };
      const results = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => (index % 2 === 0 ? store : other).acquire([slot], LONG_MS)),
      );
      strictEqual(results.filter(({ granted }) => granted).length, 5);
    },
  ];
  yield [
    'slots: what cannot be meant is a RangeError',
    async ({ store, key }) => {
      const slot = { key: key('client'), limit: 1 };
      for (const leaseMs of [0, -1, Number.NaN]) {
        await expectRangeError(() => store.acquire([slot], leaseMs));
      }
      for (const limit of [-1, Number.NaN]) {
        await expectRangeError(() => store.acquire([{ ...slot, limit }], LONG_MS));
      }
      const lease = await take(store, [slot]);
      await expectRangeError(() => store.renew(lease, 0));
    },
  ];
}
