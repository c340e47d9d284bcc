import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import { describe, expect, it } from 'vitest';
import { cidrContains, parseCidr } from './cidr.ts';
import type { IpAddress } from './ip-address.ts';
import { parseIp } from './parse-ip.ts';
import { classifyIp, isGlobal } from './special-purpose.ts';

function ipOf(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is not an address`);
  return ip;
}

describe('classifyIp', () => {
  it.each([
    ['0.0.0.0', 'unspecified', '0.0.0.0/32', false],
    ['0.0.0.1', 'this-network', '0.0.0.0/8', false],
    ['1.0.0.0', 'global', '0.0.0.0/0', true],
    ['9.255.255.255', 'global', '0.0.0.0/0', true],
    ['10.0.0.0', 'private', '10.0.0.0/8', false],
    ['11.0.0.0', 'global', '0.0.0.0/0', true],
    ['100.63.255.255', 'global', '0.0.0.0/0', true],
    ['100.64.0.0', 'shared', '100.64.0.0/10', false],
    ['100.127.255.255', 'shared', '100.64.0.0/10', false],
    ['100.128.0.0', 'global', '0.0.0.0/0', true],
    ['127.255.255.255', 'loopback', '127.0.0.0/8', false],
    ['::ffff:127.0.0.1', 'loopback', '127.0.0.0/8', false],
    ['169.254.169.254', 'link-local', '169.254.0.0/16', false],
    ['172.15.255.255', 'global', '0.0.0.0/0', true],
    ['172.31.255.255', 'private', '172.16.0.0/12', false],
    ['172.32.0.0', 'global', '0.0.0.0/0', true],
    ['192.0.0.7', 'protocol-assignments', '192.0.0.0/29', false],
    ['192.0.0.8', 'protocol-assignments', '192.0.0.8/32', false],
    ['192.0.0.9', 'protocol-assignments', '192.0.0.9/32', true],
    ['192.0.0.10', 'protocol-assignments', '192.0.0.10/32', true],
    ['192.0.0.11', 'protocol-assignments', '192.0.0.0/24', false],
    ['192.0.0.170', 'protocol-assignments', '192.0.0.170/32', false],
    ['192.0.1.0', 'global', '0.0.0.0/0', true],
    ['192.0.2.1', 'documentation', '192.0.2.0/24', false],
    ['192.31.196.1', 'protocol-assignments', '192.31.196.0/24', true],
    ['192.88.99.1', 'reserved', '192.88.99.0/24', false],
    ['192.88.99.2', 'tunnel', '192.88.99.2/32', false],
    ['192.168.0.1', 'private', '192.168.0.0/16', false],
    ['198.19.255.255', 'benchmarking', '198.18.0.0/15', false],
    ['198.51.100.255', 'documentation', '198.51.100.0/24', false],
    ['203.0.113.0', 'documentation', '203.0.113.0/24', false],
    ['223.255.255.255', 'global', '0.0.0.0/0', true],
    ['224.0.0.1', 'multicast', '224.0.0.0/4', false],
    ['239.255.255.255', 'multicast', '224.0.0.0/4', false],
    ['240.0.0.1', 'reserved', '240.0.0.0/4', false],
    ['255.255.255.254', 'reserved', '240.0.0.0/4', false],
    ['255.255.255.255', 'broadcast', '255.255.255.255/32', false],
    ['::', 'unspecified', '::/128', false],
    ['::1', 'loopback', '::1/128', false],
    ['::2', 'reserved', '::/96', false],
    ['::192.0.2.1', 'reserved', '::/96', false],
    ['::1:0:0:1', 'reserved', '::/0', false],
    ['64:ff9b::192.0.2.1', 'translation', '64:ff9b::/96', true],
    ['64:ff9b:1::1', 'translation', '64:ff9b:1::/48', false],
    ['64:ff9b:2::1', 'reserved', '::/0', false],
    ['100::1', 'discard', '100::/64', false],
    ['100:0:0:1::1', 'discard', '100:0:0:1::/64', false],
    ['100:0:0:2::1', 'reserved', '::/0', false],
    ['1fff::', 'reserved', '::/0', false],
    ['2000::', 'global', '2000::/3', true],
    ['2001::1', 'tunnel', '2001::/32', false],
    ['2001:1::1', 'protocol-assignments', '2001:1::1/128', true],
    ['2001:1::3', 'protocol-assignments', '2001:1::3/128', true],
    ['2001:1::4', 'protocol-assignments', '2001::/23', false],
    ['2001:2::1', 'benchmarking', '2001:2::/48', false],
    ['2001:2:1::1', 'protocol-assignments', '2001::/23', false],
    ['2001:3::1', 'protocol-assignments', '2001:3::/32', true],
    ['2001:4:112::1', 'protocol-assignments', '2001:4:112::/48', true],
    ['2001:1f::1', 'reserved', '2001:10::/28', false],
    ['2001:2f::1', 'protocol-assignments', '2001:20::/28', true],
    ['2001:3f::1', 'protocol-assignments', '2001:30::/28', true],
    ['2001:1ff::1', 'protocol-assignments', '2001::/23', false],
    ['2001:200::1', 'global', '2000::/3', true],
    ['2001:db8::1', 'documentation', '2001:db8::/32', false],
    ['2002::1', 'tunnel', '2002::/16', false],
    ['2620:4f:8000::1', 'protocol-assignments', '2620:4f:8000::/48', true],
    ['2a00::1', 'global', '2000::/3', true],
    ['3ffe::1', 'global', '2000::/3', true],
    ['3fff:fff::1', 'documentation', '3fff::/20', false],
    ['3fff:1000::1', 'global', '2000::/3', true],
    ['4000::', 'reserved', '::/0', false],
    ['5f00::1', 'segment-routing', '5f00::/16', false],
    ['fd00::1', 'private', 'fc00::/7', false],
    ['fe00::1', 'reserved', '::/0', false],
    ['fe80::1', 'link-local', 'fe80::/10', false],
    ['febf::1', 'link-local', 'fe80::/10', false],
    ['fec0::1', 'reserved', 'fec0::/10', false],
    ['ff02::1', 'multicast', 'ff00::/8', false],
  ])('%s is %s (%s)', (text, ipClass, prefix, global) => {
    expect(classifyIp(ipOf(text))).toMatchObject({ class: ipClass, prefix, global });
    expect(isGlobal(ipOf(text))).toBe(global);
  });

  it('names the entry and the document', () => {
    expect(classifyIp(ipOf('192.0.2.1'))).toEqual({
      class: 'documentation',
      global: false,
      prefix: '192.0.2.0/24',
      name: 'Documentation (TEST-NET-1)',
      reference: 'RFC 5737',
    });
  });

  it('throws on what parseIp does not give', () => {
    expect(() => classifyIp({ family: 4, word0: 0, word1: 0, word2: 0, word3: 1 })).toThrow(TypeError);
  });

  it('finds for every address an entry that contains it, and agrees with ip-address on the common classes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const ip = ipOf(text);
        const { class: ipClass, prefix } = classifyIp(ip);
        const entry = parseCidr(prefix);
        expect(entry.ok && cidrContains(entry.cidr, ip)).toBe(true);
        if (text.includes(':') && ip.family === 4) return;
        const oracle = ip.family === 4 ? new Address4(text) : new Address6(text);
        expect(ipClass === 'loopback').toBe(oracle.isLoopback());
        expect(ipClass === 'multicast').toBe(oracle.isMulticast());
        expect(ipClass === 'link-local').toBe(oracle.isLinkLocal());
      }),
      { numRuns: 1_000 },
    );
  });
});
