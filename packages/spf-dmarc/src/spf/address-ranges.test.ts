import { type Cidr, cidrContains, formatCidr, networkOf, parseCidr, parseIp } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AddressRanges,
  countAddresses,
  everyAddress,
  mergeRanges,
  rangeOf,
  splitRanges,
  toCidrs,
} from './address-ranges.ts';

function cidr(text: string): Cidr {
  const read = parseCidr(text);
  if (!read.ok) throw new Error(`${text}: ${read.reason}`);
  return read.cidr;
}

function rangesOf(texts: readonly string[]): AddressRanges {
  return mergeRanges(texts.map((text) => rangeOf(cidr(text))));
}

function textOf(ranges: AddressRanges, family: 4 | 6): readonly string[] {
  return toCidrs(ranges, family).map(formatCidr);
}

/** Networks of a few neighbouring addresses, so that they touch, overlap and contain each other. */
const network = fc.tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 26, max: 32 })).map(([host, length]) => {
  const ip = parseIp(`10.0.0.${host}`);
  if (ip === undefined) throw new Error('no address');
  return formatCidr({ network: networkOf(ip, length), prefixLength: length });
});
const networks = fc.array(network, { maxLength: 12 });

function membersOf(texts: readonly string[]): ReadonlySet<number> {
  const cidrs = texts.map(cidr);
  const members = new Set<number>();
  for (let host = 0; host < 64; host++) {
    const ip = parseIp(`10.0.0.${host}`);
    if (ip !== undefined && cidrs.some((each) => cidrContains(each, ip))) members.add(host);
  }
  return members;
}

describe('address ranges', () => {
  it('merges networks that touch or overlap', () => {
    expect(textOf(rangesOf(['10.0.0.128/25', '10.0.0.0/25', '10.0.0.7/32']), 4)).toEqual(['10.0.0.0/24']);
    expect(textOf(rangesOf(['2001:db8::/33', '2001:db8:8000::/33']), 6)).toEqual(['2001:db8::/32']);
  });

  it('covers a family from its first address to its last', () => {
    expect(textOf(everyAddress(4), 4)).toEqual(['0.0.0.0/0']);
    expect(textOf(everyAddress(6), 6)).toEqual(['::/0']);
    expect(textOf(rangesOf(['255.255.255.255/32', '0.0.0.0/32']), 4)).toEqual(['0.0.0.0/32', '255.255.255.255/32']);
  });

  it('takes one address out of all', () => {
    const { inside, outside } = splitRanges(everyAddress(6), rangesOf(['2001:db8::1/128']));
    expect(textOf(inside, 6)).toEqual(['2001:db8::1/128']);
    expect(textOf(outside, 6)).toHaveLength(128);
    expect(countAddresses(outside)).toBe(2n ** 128n - 1n);
  });

  it('is the set of the addresses in its networks', () => {
    fc.assert(
      fc.property(networks, (texts) => {
        const cidrs = textOf(rangesOf(texts), 4);
        expect(membersOf(cidrs)).toEqual(membersOf(texts));
        // Disjoint, and none could be merged with its neighbour.
        expect(countAddresses(rangesOf(texts))).toBe(BigInt(membersOf(texts).size));
        expect(textOf(rangesOf(cidrs.toReversed()), 4)).toEqual(cidrs);
      }),
    );
  });

  it('splits into what is in the other set and what is not', () => {
    fc.assert(
      fc.property(networks, networks, (texts, others) => {
        const { inside, outside } = splitRanges(rangesOf(texts), rangesOf(others));
        const members = membersOf(texts);
        const cut = membersOf(others);
        expect(membersOf(textOf(inside, 4))).toEqual(new Set([...members].filter((host) => cut.has(host))));
        expect(membersOf(textOf(outside, 4))).toEqual(new Set([...members].filter((host) => !cut.has(host))));
      }),
    );
  });
});
