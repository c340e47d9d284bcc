import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusalCount } from './refusal-count.ts';

describe('RefusalCount', () => {
  it('gives the refusals of a client in the window, the newest so many', () => {
    const refusal = fc.record({ client: fc.constantFrom('a', 'b', 'c'), afterMs: fc.nat(60) });
    fc.assert(
      fc.property(fc.array(refusal, { maxLength: 50 }), (refusals) => {
        const count = new RefusalCount(3, 4, 100);
        const all: { client: string; at: number }[] = [];
        let at = 0;
        for (const { client, afterMs } of refusals) {
          at += afterMs;
          all.push({ client, at });
          const recent = count.add(client, { kind: 'k', report: 'r', at });
          const expected = all.filter((each) => each.client === client && each.at > at - 100).map((each) => each.at);
          expect(recent.map((each) => each.at)).toEqual(expected.slice(-4));
        }
      }),
    );
  });

  it('holds so many clients and no more, however many there are', () => {
    const count = new RefusalCount(1_000, 5, 60_000);
    let mostClients = 0;
    let mostRefusals = 0;
    for (let client = 0; client < 20_000; client += 1) {
      for (let times = 0; times < 7; times += 1) {
        const recent = count.add(`client ${client}`, { kind: 'k', report: 'r', at: client });
        mostRefusals = Math.max(mostRefusals, recent.length);
      }
      mostClients = Math.max(mostClients, count.size);
    }
    expect({ mostClients, mostRefusals }).toEqual({ mostClients: 1_000, mostRefusals: 5 });
  });

  it('does not count for ever what was refused before the clock was put back', () => {
    const count = new RefusalCount(10, 5, 100);
    const at = (time: number): number => count.add('a', { kind: 'k', report: 'r', at: time }).length;
    expect([at(1_000), at(950), at(500), at(550)]).toEqual([1, 2, 1, 2]);
  });

  it('forgets a client', () => {
    const count = new RefusalCount(10, 5, 100);
    count.add('a', { kind: 'k', report: 'r', at: 1 });
    count.forget('a');
    expect(count.size).toBe(0);
  });
});
