import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpiryQueue } from './expiry-queue.ts';

describe('ExpiryQueue', () => {
  it('gives back what was put in, the soonest first, however pushes and shifts are mixed', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 60 }), (steps) => {
        const queue = new ExpiryQueue<number>();
        const expected: number[] = [];
        steps.forEach((expiresAt, key) => {
          if (expiresAt === null) {
            expect(queue.first?.expiresAt).toBe(expected.shift());
            queue.shift();
          } else {
            queue.push(expiresAt, key);
            expected.push(expiresAt);
            expected.sort((one, other) => one - other);
            expect(steps[queue.first?.key ?? -1]).toBe(queue.first?.expiresAt);
          }
        });
        const rest: number[] = [];
        for (let first = queue.first; first !== undefined; first = queue.first) {
          rest.push(first.expiresAt);
          queue.shift();
        }
        expect(rest).toEqual(expected);
      }),
    );
  });

  it('says when most of it is out of date, and is empty after it was cleared', () => {
    const queue = new ExpiryQueue<string>();
    for (let count = 0; count < 66; count++) queue.push(count, 'same key');
    expect(queue.outdated(1)).toBe(false);
    queue.push(66, 'same key');
    expect(queue.outdated(1)).toBe(true);
    queue.clear();
    expect(queue.first).toBeUndefined();
    expect(queue.outdated(0)).toBe(false);
  });
});
