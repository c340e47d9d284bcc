import { type Cidr, cidrContains, formatCidr, type IpAddress, parseIp } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangeToCidrs } from './address-range.ts';

function ip(text: string): IpAddress {
  const address = parseIp(text);
  if (address === undefined) throw new Error(text);
  return address;
}

function cidrsOf(first: string, last: string): string[] | false {
  const cidrs: string[] = [];
  return rangeToCidrs(ip(first), ip(last), (cidr) => cidrs.push(formatCidr(cidr))) && cidrs;
}

function value({ word0, word1, word2, word3 }: IpAddress): bigint {
  return (BigInt(word0) << 96n) | (BigInt(word1) << 64n) | (BigInt(word2) << 32n) | BigInt(word3);
}

function at(bits: bigint): IpAddress {
  const word = (shift: bigint): number => Number((bits >> shift) & 0xffffffffn);
  const family = bits >> 32n === 0xffffn ? 4 : 6;
  return { family, word0: word(96n), word1: word(64n), word2: word(32n), word3: word(0n) };
}

describe('rangeToCidrs', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1', ['192.0.2.1/32']],
    ['192.0.2.0', '192.0.2.255', ['192.0.2.0/24']],
    ['0.0.0.0', '255.255.255.255', ['0.0.0.0/0']],
    ['128.0.0.0', '255.255.255.255', ['128.0.0.0/1']],
    ['192.0.2.1', '192.0.2.4', ['192.0.2.1/32', '192.0.2.2/31', '192.0.2.4/32']],
    ['255.255.255.254', '255.255.255.255', ['255.255.255.254/31']],
    ['::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['::/0']],
    ['2001:db8::', '2001:db8::ffff', ['2001:db8::/112']],
    ['2001:db8::1', '2001:db8::3', ['2001:db8::1/128', '2001:db8::2/127']],
    ['::ffff:192.0.2.0', '192.0.2.1', ['192.0.2.0/31']],
    // What lies between is IPv4, which no IPv6 range contains.
    ['::fffe:ffff:ffff', '::1:0:0:0', ['::fffe:ffff:ffff/128', '::1:0:0:0/128']],
  ])('%s-%s', (first, last, cidrs) => {
    expect(cidrsOf(first, last)).toEqual(cidrs);
  });

  it('refuses ends in the wrong order or of two families', () => {
    expect(cidrsOf('192.0.2.2', '192.0.2.1')).toBe(false);
    expect(cidrsOf('2001:db8::2', '2001:db8::1')).toBe(false);
    expect(cidrsOf('192.0.2.2', '2001:db8::1')).toBe(false);
  });

  it('never needs more prefixes than it says', () => {
    expect(cidrsOf('0.0.0.1', '255.255.255.254')).toHaveLength(62);
    expect(cidrsOf('::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe')).toHaveLength(254);
  });

  // Around a base of each family, every address near the range is either in it and in one prefix, or in neither.
  it.each([
    ['IPv4', value(ip('192.0.1.0'))],
    ['IPv4 at its end', value(ip('255.255.254.0'))],
    ['IPv6', value(ip('2001:db8::ffff:fe00'))],
  ])('covers exactly the range, with the fewest prefixes: %s', (_name, base) => {
    const offset = fc.integer({ min: 0, max: 511 });
    fc.assert(
      fc.property(offset, offset, (one, other) => {
        const [low, high] = one <= other ? [one, other] : [other, one];
        const cidrs: Cidr[] = [];
        expect(rangeToCidrs(at(base + BigInt(low)), at(base + BigInt(high)), (cidr) => cidrs.push(cidr))).toBe(true);
        for (let near = 0; near < 512; near++) {
          const holders = cidrs.filter((cidr) => cidrContains(cidr, at(base + BigInt(near))));
          expect(holders.length).toBe(near >= low && near <= high ? 1 : 0);
        }
        const siblings = new Set(cidrs.map((cidr) => `${cidr.prefixLength} ${value(cidr.network)}`));
        for (const { network, prefixLength } of cidrs) {
          const width = 1n << BigInt((network.family === 4 ? 32 : 128) - prefixLength);
          expect(siblings.has(`${prefixLength} ${value(network) ^ width}`)).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
  });
});
