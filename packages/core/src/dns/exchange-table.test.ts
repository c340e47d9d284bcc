import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DnsExchange } from './dns-transport.ts';
import { ExchangeTable } from './exchange-table.ts';

class TestExchange extends DnsExchange {
  constructor(id: number) {
    super({ name: 'a.test', type: 'A' }, true);
    this.id = id;
  }

  override replied(): void {}

  override failed(): void {}
}

describe('ExchangeTable', () => {
  it('does what a Map does', () => {
    // Ids that share a bucket, and ids that do not.
    const id = fc.oneof(
      fc.nat(0xffff),
      fc.nat(20).map((number) => number * 256),
      fc.nat(5),
    );
    const step = fc.record({ id, add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const map = new Map<number, DnsExchange>();
        const table = new ExchangeTable();
        for (const { id, add } of steps) {
          const exchange = map.get(id) ?? new TestExchange(id);
          if (add && !map.has(id)) {
            map.set(id, exchange);
            table.add(exchange);
          } else {
            expect(table.delete(exchange)).toBe(map.delete(id));
          }
          expect(table.get(id)).toBe(map.get(id));
          expect(table.size).toBe(map.size);
        }
        expect(new Set(table.all())).toEqual(new Set(map.values()));
        table.clear();
        expect([table.size, table.all()]).toEqual([0, []]);
      }),
    );
  });

  it('does not delete another exchange of the same id', () => {
    const table = new ExchangeTable();
    const exchange = new TestExchange(7);
    table.add(exchange);
    expect(table.delete(new TestExchange(7))).toBe(false);
    expect(table.get(7)).toBe(exchange);
  });
});
