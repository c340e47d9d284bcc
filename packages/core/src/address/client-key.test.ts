import { describe, expect, it } from 'vitest';
import { type ClientKeyOptions, clientKey } from './client-key.ts';
import { parseIp } from './parse-ip.ts';

function keyOf(text: string, options?: ClientKeyOptions): string {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is not an address`);
  return clientKey(ip, options);
}

describe('clientKey', () => {
  it('is the whole IPv4 address and the /64 of IPv6', () => {
    expect(keyOf('192.0.2.1')).toBe('192.0.2.1');
    expect(keyOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(keyOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(keyOf('2001:db8:1:2::')).toBe('2001:db8:1:2::/64');
    expect(keyOf('2001:db8:1:3::')).not.toBe(keyOf('2001:db8:1:2::'));
  });

  it('takes other prefix lengths', () => {
    expect(keyOf('192.0.2.77', { ipv4PrefixLength: 24 })).toBe('192.0.2.0/24');
    expect(keyOf('192.0.2.77', { ipv6PrefixLength: 48 })).toBe('192.0.2.77');
    expect(keyOf('2001:db8:1:2::3', { ipv6PrefixLength: 48 })).toBe('2001:db8:1::/48');
    expect(keyOf('2001:db8:1:2::3', { ipv6PrefixLength: 128 })).toBe('2001:db8:1:2::3');
    expect(keyOf('2001:db8::', { ipv6PrefixLength: 0 })).toBe('::/0');
  });

  it('is of a translated IPv4 address what it is of that address', () => {
    expect(keyOf('64:ff9b::192.0.2.1')).toBe('64:ff9b::c000:201');
    expect(keyOf('64:ff9b::192.0.2.1', { ipv4PrefixLength: 24, ipv6PrefixLength: 48 })).toBe('64:ff9b::c000:200/120');
    expect(keyOf('64:ff9b::1:192.0.2.1')).toBe('64:ff9b::/64');
    expect(keyOf('64:ff9b:1::192.0.2.1')).toBe('64:ff9b:1::/64');
  });

  it('throws on an impossible or unknown option', () => {
    expect(() => keyOf('192.0.2.1', { ipv4PrefixLength: 33 })).toThrow(RangeError);
    expect(() => keyOf('192.0.2.1', { ipv6PrefixLength: -1 })).toThrow(RangeError);
    // @ts-expect-error misspelt
    expect(() => keyOf('192.0.2.1', { ipv6Prefix: 48 })).toThrow(TypeError);
  });
});
