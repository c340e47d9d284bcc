import { type Cidr, cidrContains, formatCidr, type IpAddress, parseCidr, parseIp } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complement, intersect } from './cidr-region.ts';

function read(text: string): Cidr {
  const result = parseCidr(text);
  if (!result.ok) throw new Error(text);
  return result.cidr;
}

// Prefixes that often meet: few networks, many lengths.
const cidr = fc
  .oneof(
    fc.tuple(fc.constantFrom('10.0.0.0', '10.0.0.255', '10.128.3.7', '255.255.255.255'), fc.nat(32)),
    fc.tuple(fc.constantFrom('2001:db8::', '2001:db8::8000:0:0:1', 'ffff::'), fc.nat(128)),
  )
  .map(([address, length]) => read(`${address}/${length}`));
const address = fc
  .constantFrom(
    '10.0.0.0',
    '10.0.0.254',
    '10.128.3.7',
    '0.0.0.0',
    '2001:db8::',
    '2001:db8::8000:0:0:1',
    '::',
    'ffff::1',
  )
  .map((text): IpAddress => {
    const ip = parseIp(text);
    if (ip === undefined) throw new Error(text);
    return ip;
  });

describe('regions of prefixes', () => {
  it.each([
    ['0.0.0.0/0', []],
    ['128.0.0.0/1', ['0.0.0.0/1']],
    [
      '10.0.0.0/8',
      ['128.0.0.0/1', '64.0.0.0/2', '32.0.0.0/3', '16.0.0.0/4', '0.0.0.0/5', '12.0.0.0/6', '8.0.0.0/7', '11.0.0.0/8'],
    ],
    ['2000::/3', ['8000::/1', '4000::/2', '::/3']],
  ])('outside of %s', (text, region) => {
    expect(complement(read(text)).map(formatCidr)).toEqual(region);
  });

  it('a complement has each address of the family that the prefix has not', () => {
    fc.assert(
      fc.property(cidr, address, (one, ip) => {
        const holders = complement(one).filter((each) => cidrContains(each, ip)).length;
        expect(holders).toBe(one.network.family === ip.family && !cidrContains(one, ip) ? 1 : 0);
      }),
    );
  });

  it('an intersection has each address that both have', () => {
    fc.assert(
      fc.property(cidr, cidr, cidr, address, (one, other, third, ip) => {
        const region = intersect(intersect(complement(one), complement(other)), [third]);
        const inAll = one.network.family === ip.family && other.network.family === ip.family;
        const expected = inAll && !cidrContains(one, ip) && !cidrContains(other, ip) && cidrContains(third, ip);
        expect(region.filter((each) => cidrContains(each, ip))).toHaveLength(expected ? 1 : 0);
      }),
    );
  });
});
