import { type Charge, type ChargeResult, MemoryStore, type Store } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../fake-clock.ts';
import { storeContract } from './store-contract.ts';
import type { ContractStore } from './store-subject.ts';

function start(wrap: (store: MemoryStore, clock: FakeClock) => Store = (store) => store): () => ContractStore {
  return () => {
    const clock = new FakeClock();
    const store = wrap(new MemoryStore({ clock }), clock);
    return { store, now: () => clock.now(), advance: (ms) => clock.advance(ms) };
  };
}

for (const { name, run } of storeContract('MemoryStore', start())) it(name, run);

/** The names of the cases that a store fails which answers otherwise in one point. */
async function failing(change: (store: MemoryStore, clock: FakeClock) => Partial<Store>): Promise<string[]> {
  const wrap = (store: MemoryStore, clock: FakeClock): Store => ({
    charge: (charges) => store.charge(charges),
    refund: (charges) => store.refund(charges),
    reset: (keys) => store.reset(keys),
    acquire: (slots, leaseMs) => store.acquire(slots, leaseMs),
    renew: (lease, leaseMs) => store.renew(lease, leaseMs),
    release: (lease) => store.release(lease),
    remember: (key, value, ttlMs) => store.remember(key, value, ttlMs),
    recall: (keys) => store.recall(keys),
    forget: (key) => store.forget(key),
    publish: (topic, payload) => store.publish(topic, payload),
    subscribe: (topic, listener) => store.subscribe(topic, listener),
    ...change(store, clock),
  });
  const names: string[] = [];
  for (const { name, run } of storeContract('x', start(wrap))) await run().catch(() => names.push(name));
  return names;
}

describe('a broken store is found out', () => {
  it('that is not broken is not', async () => {
    expect(await failing(() => ({}))).toEqual([]);
  });

  const lies: Record<string, (store: MemoryStore, clock: FakeClock) => Partial<Store>> = {
    'lets everything through': () => ({
      charge: (charges) => ({
        allowed: true,
        states: charges.map(({ key }) => ({ key, remaining: 1, retryAfterMs: 0 })),
      }),
    }),
    'charges one after the other': (store) => ({
      charge: (charges) => {
        const results = charges.map((charge) => store.charge([charge]));
        return { allowed: results.every(({ allowed }) => allowed), states: results.flatMap(({ states }) => states) };
      },
    }),
    'refills a tenth too fast': (store) => ({
      charge: (charges: readonly Charge[]): ChargeResult =>
        store.charge(charges.map((charge) => ({ ...charge, count: charge.algorithm === 'gcra' ? 11 : charge.count }))),
    }),
    'takes sliding windows for fixed ones': (store) => ({
      charge: (charges) =>
        store.charge(
          charges.map((charge) => (charge.algorithm === 'gcra' ? charge : { ...charge, algorithm: 'fixed' })),
        ),
    }),
    'does not refund': () => ({ refund: () => {} }),
    'resets nothing': () => ({ reset: () => {} }),
    'renews nothing': () => ({ renew: () => true }),
    'never lets go': () => ({ release: () => {} }),
    'forgets late': (store) => ({ remember: (key, value, ttlMs) => store.remember(key, value, ttlMs * 3) }),
    'recalls in another order': (store) => ({ recall: (keys) => store.recall([...keys]).toReversed() }),
    'hands everything to everyone': (store) => ({
      publish: (_topic, payload) => store.publish('all', payload),
      subscribe: (_topic, listener) => store.subscribe('all', listener),
    }),
    'never unsubscribes': (store) => ({
      subscribe: (topic, listener) => {
        store.subscribe(topic, listener);
        return () => {};
      },
    }),
  };
  it.each(Object.entries(lies))('%s', async (_what, change) => {
    expect((await failing(change)).length).toBeGreaterThan(0);
  });
});

it('bounds the slack', () => {
  expect(() => storeContract('x', start(), { slackMs: 50 })).toThrow(RangeError);
});
