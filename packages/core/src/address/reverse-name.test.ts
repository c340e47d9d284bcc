import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import { describe, expect, it } from 'vitest';
import { parseIp } from './parse-ip.ts';
import { reverseLabels, reverseName } from './reverse-name.ts';

function reverse(text: string): { name: string; labels: string } {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is not an address`);
  return { name: reverseName(ip), labels: reverseLabels(ip) };
}

describe('reverseName and reverseLabels', () => {
  it('reverses the octets of IPv4, also of an IPv4-mapped address', () => {
    // RFC 5782 §2.1
    expect(reverse('192.0.2.99')).toEqual({ name: '99.2.0.192.in-addr.arpa', labels: '99.2.0.192' });
    expect(reverse('::ffff:192.0.2.99').labels).toBe('99.2.0.192');
    expect(reverse('0.0.0.0').labels).toBe('0.0.0.0');
    expect(reverse('255.254.253.252').labels).toBe('252.253.254.255');
  });

  it('reverses the nibbles of IPv6', () => {
    // RFC 5782 §2.4
    const labels = 'b.0.0.0.f.e.e.0.d.9.8.2.b.6.f.3.9.0.0.0.7.1.0.0.8.b.d.0.1.0.0.2';
    expect(reverse('2001:db8:17:9:3f6b:289d:eef:b')).toEqual({ name: `${labels}.ip6.arpa`, labels });
  });

  it('agrees with ip-address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const { name, labels } = reverse(text);
        if (labels.length < 16) {
          const quad = text.includes('.') ? text.slice(text.lastIndexOf(':') + 1) : undefined;
          if (quad !== undefined) expect(`${name}.`).toBe(new Address4(quad).reverseForm());
          expect(name).toBe(`${labels}.in-addr.arpa`);
        } else {
          expect(`${name}.`).toBe(new Address6(text).reverseForm());
          expect(name).toBe(`${labels}.ip6.arpa`);
        }
      }),
    );
  });
});
