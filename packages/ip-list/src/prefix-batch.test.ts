import { type Cidr, formatCidr, type IpAddress, networkOf } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskAt, PrefixBatch } from './prefix-batch.ts';

const word = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff));
const ip4 = word.map((word3): IpAddress => ({ family: 4, word0: 0, word1: 0, word2: 0xffff, word3 }));
const ip6 = fc
  .tuple(word, word, word, word)
  .map(([word0, word1, word2, word3]): IpAddress => ({ family: 6, word0, word1, word2, word3 }));

/** The prefixes of the places in a batch, as they come out. */
function read(family: 4 | 6, { word0, word1, word2, word3, lengths, numbers }: PrefixBatch, places: Uint32Array) {
  return [...places].map((at): { prefix: string; number: number } => {
    const network: IpAddress =
      family === 4
        ? { family, word0: 0, word1: 0, word2: 0xffff, word3: word0.at(at) }
        : { family, word0: word0.at(at), word1: word1.at(at), word2: word2.at(at), word3: word3.at(at) };
    return { prefix: formatCidr({ network, prefixLength: lengths.at(at) }), number: numbers.at(at) };
  });
}

function compare({ network: one, prefixLength }: Cidr, { network: other, prefixLength: otherLength }: Cidr): number {
  return (
    one.word0 - other.word0 ||
    one.word1 - other.word1 ||
    one.word2 - other.word2 ||
    one.word3 - other.word3 ||
    prefixLength - otherLength
  );
}

describe('PrefixBatch', () => {
  it.each([
    [4, ip4, 32],
    [6, ip6, 128],
  ] as const)('puts IPv%d networks in order by address, length, and as they came', (family, ip, most) => {
    const cidr = fc.tuple(ip, fc.nat(most)).map(([network, prefixLength]): Cidr => ({ network, prefixLength }));
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 300, size: 'max' }), (cidrs) => {
        const batch = new PrefixBatch(family);
        for (const [number, each] of cidrs.entries()) batch.add(each, number);
        const sorted = cidrs
          .map(({ network, prefixLength }, number) => ({
            cidr: { network: networkOf(network, prefixLength), prefixLength },
            number,
          }))
          .sort((one, other) => compare(one.cidr, other.cidr) || one.number - other.number);
        expect(read(family, batch, batch.order())).toEqual(
          sorted.map((each) => ({ prefix: formatCidr(each.cidr), number: each.number })),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('goes on beyond its first chunk', () => {
    const batch = new PrefixBatch(4);
    const count = 70_000;
    for (let at = 0; at < count; at++) {
      const word3 = count - 1 - at;
      batch.add({ network: { family: 4, word0: 0, word1: 0, word2: 0xffff, word3 }, prefixLength: 32 }, word3);
    }
    const order = batch.order();
    expect(order).toHaveLength(count);
    expect(order.every((place, at) => batch.numbers.at(place) === at && batch.word0.at(place) === at)).toBe(true);
  });

  it('has no places when nothing was added', () => {
    expect(new PrefixBatch(6).order()).toHaveLength(0);
  });
});

describe('maskAt', () => {
  it.each([
    [0, 0, 0],
    [0, 1, 0x80000000],
    [0, 32, 0xffffffff],
    [32, 32, 0],
    [32, 33, 0x80000000],
    [96, 128, 0xffffffff],
    [96, 40, 0],
  ])('of the word at bit %d and %d bits', (start, bits, mask) => {
    expect(maskAt(start, bits) >>> 0).toBe(mask);
  });
});
