import { type Cidr, cidrContains, formatCidr, type IpAddress, networkOf } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeenPrefixes } from './seen-prefixes.ts';

const word = fc.oneof(fc.constantFrom(0, 1, 0x80000000, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));
const ip4 = word.map((word3): IpAddress => ({ family: 4, word0: 0, word1: 0, word2: 0xffff, word3 }));
const ip6 = fc
  .tuple(fc.constantFrom(0x20010db8, 0xfe800000), word, word, word)
  .map(([word0, word1, word2, word3]): IpAddress => ({ family: 6, word0, word1, word2, word3 }));
const cidr = fc.tuple(fc.oneof(ip4, ip6), fc.nat(128)).map(([ip, bits]): Cidr => {
  const prefixLength = Math.min(bits, ip.family === 4 ? 32 : 128);
  return { network: networkOf(ip, prefixLength), prefixLength };
});

describe('SeenPrefixes', () => {
  it('knows what was added, and what that covers', () => {
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 200 }), fc.array(cidr, { minLength: 20 }), (added, asked) => {
        const seen = new SeenPrefixes();
        const texts = new Set<string>();
        expect(seen.isEmpty).toBe(true);
        for (const each of added) {
          expect(seen.add(each)).toBe(!texts.has(formatCidr(each)));
          texts.add(formatCidr(each));
        }
        expect(seen.isEmpty).toBe(added.length === 0);
        expect([...seen].map(formatCidr).sort()).toEqual([...texts].sort());
        for (const each of [...asked, ...added]) {
          expect(seen.has(each)).toBe(texts.has(formatCidr(each)));
          for (const shortest of [0, 9, 25]) {
            const covered = added.some(
              ({ network, prefixLength }) =>
                prefixLength >= shortest &&
                prefixLength <= each.prefixLength &&
                cidrContains({ network, prefixLength }, each.network),
            );
            expect(seen.covers(each, shortest)).toBe(covered);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
