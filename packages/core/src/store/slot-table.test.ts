import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlotTable } from './slot-table.ts';
import type { SlotLease } from './store.ts';

function granted(result: ReturnType<SlotTable['acquire']>): SlotLease {
  if (!result.granted) throw new Error(`not granted: ${result.key}`);
  return result.lease;
}

describe('SlotTable', () => {
  it('holds slots up to the limit, of all keys or of none', () => {
    const table = new SlotTable(100);
    const slots = [
      { key: 'all', limit: 2 },
      { key: 'client', limit: 1 },
    ];
    const lease = granted(table.acquire(slots, 1_000, 0));
    expect(lease.keys).toEqual(['all', 'client']);
    expect(table.acquire(slots, 1_000, 0)).toEqual({ granted: false, key: 'client', held: 1 });
    // The refused call has taken nothing of the first key.
    granted(table.acquire([{ key: 'all', limit: 2 }], 1_000, 0));
    expect(table.acquire([{ key: 'all', limit: 2 }], 1_000, 0)).toEqual({ granted: false, key: 'all', held: 2 });
    table.release(lease, 0);
    granted(table.acquire(slots, 1_000, 0));
  });

  it('takes two slots of a key that stands twice', () => {
    const table = new SlotTable(100);
    const twice = [
      { key: 'a', limit: 2 },
      { key: 'a', limit: 2 },
    ];
    const lease = granted(table.acquire(twice, 1_000, 0));
    expect(table.acquire([{ key: 'a', limit: 2 }], 1_000, 0)).toMatchObject({ granted: false, held: 2 });
    table.release(lease, 0);
    granted(table.acquire([{ key: 'a', limit: 2 }], 1_000, 0));
    expect(table.acquire(twice, 1_000, 0)).toEqual({ granted: false, key: 'a', held: 2 });
  });

  it('lets leases run out unless they are renewed', () => {
    const table = new SlotTable(100);
    const slot = [{ key: 'a', limit: 1 }];
    const first = granted(table.acquire(slot, 1_000, 0));
    expect(table.acquire(slot, 1_000, 999).granted).toBe(false);
    expect(table.renew(first, 1_000, 999)).toBe(true);
    expect(table.acquire(slot, 1_000, 1_998).granted).toBe(false);
    const second = granted(table.acquire(slot, 1_000, 1_999));
    expect(table.renew(first, 1_000, 1_999)).toBe(false);
    // What has run out gives nothing back that is now another's.
    table.release(first, 1_999);
    expect(table.acquire(slot, 1_000, 1_999).granted).toBe(false);
    table.release(second, 1_999);
    table.release(second, 1_999);
    granted(table.acquire(slot, 1_000, 1_999));
  });

  it('renews for another length', () => {
    const table = new SlotTable(100);
    const slot = [{ key: 'a', limit: 1 }];
    const lease = granted(table.acquire(slot, 1_000, 0));
    expect(table.renew(lease, 10, 500)).toBe(true);
    expect(table.acquire(slot, 1_000, 509).granted).toBe(false);
    expect(table.acquire(slot, 1_000, 510).granted).toBe(true);
  });

  it('knows no lease that it did not give', () => {
    const table = new SlotTable(100);
    granted(table.acquire([{ key: 'a', limit: 1 }], 1_000, 0));
    const foreign = { id: 'foreign', keys: ['a'] };
    expect(table.renew(foreign, 1_000, 0)).toBe(false);
    table.release(foreign, 0);
    expect(table.acquire([{ key: 'a', limit: 1 }], 1_000, 0).granted).toBe(false);
  });

  it('refuses a key for which there is no room, and forgets no live lease', () => {
    const table = new SlotTable(2);
    const slot = (key: string) => [{ key, limit: 5 }];
    granted(table.acquire(slot('a'), 1_000, 0));
    granted(table.acquire(slot('b'), 2_000, 0));
    granted(table.acquire(slot('a'), 1_000, 0));
    expect(table.acquire(slot('c'), 1_000, 0)).toEqual({ granted: false, key: 'c', held: 0 });
    granted(table.acquire(slot('c'), 1_000, 1_000));
  });

  it('refuses everything at limit 0', () => {
    expect(new SlotTable(2).acquire([{ key: 'a', limit: 0 }], 1, 0)).toEqual({ granted: false, key: 'a', held: 0 });
  });

  it('counts what a naive model counts', () => {
    const slots = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), limit: fc.nat(4) }), {
      minLength: 1,
      maxLength: 4,
    });
    const call = fc.record({
      action: fc.constantFrom('acquire', 'acquire', 'renew', 'release'),
      slots,
      leaseMs: fc.integer({ min: 1, max: 60 }),
      which: fc.nat(50),
      afterMs: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60 }), (list) => {
        const table = new SlotTable(100);
        const leases: SlotLease[] = [];
        let live: { id: string; keys: readonly string[]; until: number }[] = [];
        let now = 0;
        for (const { action, slots: wanted, leaseMs, which, afterMs } of list) {
          now += afterMs;
          live = live.filter(({ until }) => until > now);
          const lease = leases[which % Math.max(1, leases.length)];
          if (action === 'acquire') {
            const held = live.flatMap(({ keys }) => keys);
            const expected = wanted.every(({ key, limit }) => {
              const fits = held.filter((each) => each === key).length < limit;
              held.push(key);
              return fits;
            });
            const result = table.acquire(wanted, leaseMs, now);
            expect(result.granted).toBe(expected);
            if (!result.granted) continue;
            leases.push(result.lease);
            live.push({ ...result.lease, until: now + leaseMs });
          } else if (lease !== undefined && action === 'renew') {
            const known = live.find(({ id }) => id === lease.id);
            expect(table.renew(lease, leaseMs, now)).toBe(known !== undefined);
            if (known !== undefined) known.until = now + leaseMs;
          } else if (lease !== undefined) {
            table.release(lease, now);
            live = live.filter(({ id }) => id !== lease.id);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
