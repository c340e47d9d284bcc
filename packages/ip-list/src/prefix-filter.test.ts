import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskAt } from './prefix-batch.ts';
import { PrefixFilter } from './prefix-filter.ts';

const word = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff));
/** The first word of a network and the length of its prefix. */
const prefix = fc
  .tuple(word, fc.oneof(fc.constantFrom(0, 8, 24, 32), fc.nat(32)))
  .map(([first, length]) => ({ first: (first & maskAt(0, length)) >>> 0, length }));

describe('PrefixFilter', () => {
  it.each([false, true])('never denies an address of a marked prefix, hashed: %s', (hashed) => {
    const asked = fc.array(word, { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(fc.nat(5_000), fc.array(prefix, { maxLength: 20 }), asked, (size, marked, hosts) => {
        const filter = new PrefixFilter(size, hashed);
        for (const { first, length } of marked) filter.mark(first, length);
        for (const { first, length } of marked) {
          for (const host of [0, 0xffffffff, ...hosts]) {
            expect(filter.mayContain((first | (host & ~maskAt(0, length))) >>> 0)).toBe(true);
          }
        }
      }),
    );
  });

  it.each([false, true])('denies most of what was not marked, hashed: %s', (hashed) => {
    const count = 1_000;
    const filter = new PrefixFilter(count, hashed);
    // One in each of 1,000 stretches, and asked in the middle between them.
    const step = 0x400000;
    for (let n = 0; n < count; n++) filter.mark((n * step) >>> 0, 32);
    let passed = 0;
    for (let n = 0; n < count; n++) if (filter.mayContain((n * step + step / 2) >>> 0)) passed++;
    expect(passed).toBeLessThan(count / 4);
  });

  it('knows nothing when nothing was marked, and everything when all was', () => {
    for (const hashed of [false, true]) {
      const filter = new PrefixFilter(0, hashed);
      for (const each of [0, 1, 0x80000000, 0xffffffff]) expect(filter.mayContain(each)).toBe(false);
      filter.mark(0, 0);
      // Once it has given up, nothing can take that back.
      filter.mark(0x20010db8, 32);
      for (const each of [0, 1, 0x80000000, 0xffffffff]) expect(filter.mayContain(each)).toBe(true);
    }
  });

  it('has room for what it was made for', () => {
    for (const prefixes of [0, 1, 63, 64, 65, 1_000, 65_536, 524_287, 524_288, 10_000_000]) {
      expect(new PrefixFilter(prefixes, false).capacity).toBeGreaterThanOrEqual(prefixes);
    }
  });
});
