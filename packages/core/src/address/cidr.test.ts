import { BlockList } from 'node:net';
import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import { describe, expect, it } from 'vitest';
import { type Cidr, cidrContains, formatCidr, networkOf, parseCidr } from './cidr.ts';
import { formatIp } from './format-ip.ts';
import type { IpAddress } from './ip-address.ts';
import { parseIp } from './parse-ip.ts';

function ipOf(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is not an address`);
  return ip;
}

function cidrOf(text: string): Cidr {
  const result = parseCidr(text);
  if (!result.ok) throw new Error(`${text}: ${result.reason}`);
  return result.cidr;
}

describe('parseCidr', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.0/24', false],
    ['192.0.2.1/24', '192.0.2.0/24', true],
    ['192.0.2.1', '192.0.2.1/32', false],
    ['0.0.0.0/0', '0.0.0.0/0', false],
    ['1.2.3.4/0', '0.0.0.0/0', true],
    ['255.255.255.255/31', '255.255.255.254/31', true],
    ['2001:db8::/32', '2001:db8::/32', false],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33', true],
    ['2001:db8::1', '2001:db8::1/128', false],
    ['::/0', '::/0', false],
    ['ffff::/0', '::/0', true],
    ['1:2:3:4:5:6:7:8/64', '1:2:3:4::/64', true],
    ['::ffff:192.0.2.0/120', '192.0.2.0/24', false],
    ['::ffff:c000:201/127', '192.0.2.0/31', true],
    ['::ffff:192.0.2.1', '192.0.2.1/32', false],
    ['::ffff:0:0/96', '0.0.0.0/0', false],
  ])('reads %s as %s', (text, expected, hostBitsSet) => {
    const result = parseCidr(text);
    expect(result).toMatchObject({ ok: true, hostBitsSet });
    expect(formatCidr(cidrOf(text))).toBe(expected);
  });

  it.each([
    ['', 'not-an-address'],
    ['nonsense', 'not-an-address'],
    ['/24', 'not-an-address'],
    ['192.0.2/24', 'not-an-address'],
    ['192.0.2.0 /24', 'not-an-address'],
    ['[::1]/128', 'not-an-address'],
    ['fe80::1%eth0', 'zone-id'],
    ['fe80::%1/10', 'zone-id'],
    ['192.0.2.0/', 'bad-prefix-length'],
    ['192.0.2.0/33', 'bad-prefix-length'],
    ['192.0.2.0/-1', 'bad-prefix-length'],
    ['192.0.2.0/08', 'bad-prefix-length'],
    ['192.0.2.0/ 8', 'bad-prefix-length'],
    ['192.0.2.0/8 ', 'bad-prefix-length'],
    ['192.0.2.0/1e1', 'bad-prefix-length'],
    ['192.0.2.0/24/24', 'bad-prefix-length'],
    ['10.0.0.0/255.0.0.0', 'bad-prefix-length'],
    ['192.0.2.0/120', 'bad-prefix-length'],
    ['::/129', 'bad-prefix-length'],
    ['::/1000', 'bad-prefix-length'],
    ['::ffff:192.0.2.0/24', 'bad-prefix-length'],
    ['::ffff:0:0/95', 'bad-prefix-length'],
  ])('refuses %j: %s', (text, reason) => {
    expect(parseCidr(text)).toEqual({ ok: false, reason });
  });

  it('refuses text of any length', () => {
    expect(parseCidr(`::/${'1'.repeat(100_000)}`)).toEqual({ ok: false, reason: 'bad-prefix-length' });
    expect(parseCidr('/'.repeat(100_000))).toEqual({ ok: false, reason: 'not-an-address' });
  });
});

describe('cidrContains', () => {
  it('keeps the families apart', () => {
    expect(cidrContains(cidrOf('::/0'), ipOf('192.0.2.1'))).toBe(false);
    expect(cidrContains(cidrOf('::/64'), ipOf('::ffff:192.0.2.1'))).toBe(false);
    expect(cidrContains(cidrOf('0.0.0.0/0'), ipOf('::'))).toBe(false);
    expect(cidrContains(cidrOf('0.0.0.0/0'), ipOf('::ffff:192.0.2.1'))).toBe(true);
  });

  /** An address, a prefix length, and an address that differs from the first in about one bit. */
  const cases = fc.oneof(
    fc.tuple(fc.ipV4(), fc.nat(32), fc.nat(31)),
    fc.tuple(
      fc.ipV6().filter((text) => ipOf(text).family === 6),
      fc.nat(128),
      fc.nat(127),
    ),
  );

  it('agrees with net.BlockList and ip-address', () => {
    fc.assert(
      fc.property(cases, ([text, prefixLength, bit]) => {
        const ip = ipOf(text);
        const flip = (index: number) => (bit >> 5 === index ? 1 << (bit & 31) : 0);
        const near: IpAddress =
          ip.family === 4
            ? { ...ip, word3: (ip.word3 ^ flip(0)) >>> 0 }
            : {
                family: 6,
                word0: (ip.word0 ^ flip(0)) >>> 0,
                word1: (ip.word1 ^ flip(1)) >>> 0,
                word2: (ip.word2 ^ flip(2)) >>> 0,
                word3: (ip.word3 ^ flip(3)) >>> 0,
              };
        fc.pre(ipOf(formatIp(near)).family === ip.family);
        const family = ip.family === 4 ? 'ipv4' : 'ipv6';
        const cidr = cidrOf(`${formatIp(ip)}/${prefixLength}`);

        const blockList = new BlockList();
        blockList.addSubnet(formatIp(ip), prefixLength, family);
        expect(cidrContains(cidr, near)).toBe(blockList.check(formatIp(near), family));

        const start =
          ip.family === 4
            ? new Address4(`${formatIp(ip)}/${prefixLength}`).startAddress().correctForm()
            : new Address6(`${formatIp(ip)}/${prefixLength}`).startAddress().correctForm();
        expect(formatIp(cidr.network)).toBe(start);
        expect(cidrContains(cidr, ip)).toBe(true);
        expect(cidrOf(formatCidr(cidr))).toEqual(cidr);
      }),
      { numRuns: 500 },
    );
  });
});

describe('networkOf', () => {
  it('clears the bits behind the prefix', () => {
    expect(networkOf(ipOf('192.0.2.255'), 25)).toEqual(ipOf('192.0.2.128'));
    expect(networkOf(ipOf('2001:db8:1:2:3:4:5:6'), 64)).toEqual(ipOf('2001:db8:1:2::'));
    expect(networkOf(ipOf('2001:db8:1:2:3:4:5:6'), 128)).toEqual(ipOf('2001:db8:1:2:3:4:5:6'));
  });

  it.each([-1, 33, 1.5, Number.NaN])('throws on a prefix length of %s', (prefixLength) => {
    expect(() => networkOf(ipOf('192.0.2.1'), prefixLength)).toThrow(RangeError);
  });
});
