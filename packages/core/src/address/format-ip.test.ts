import fc from 'fast-check';
import { Address6 } from 'ip-address';
import { describe, expect, it } from 'vitest';
import { formatIp } from './format-ip.ts';
import type { IpAddress } from './ip-address.ts';
import { parseIp } from './parse-ip.ts';

function reformat(text: string): string {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is not an address`);
  return formatIp(ip);
}

/** Any address, with zero groups often. */
const anyIp: fc.Arbitrary<IpAddress> = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => {
    const word = (index: number) => (((groups[index] ?? 0) << 16) | (groups[index + 1] ?? 0)) >>> 0;
    const mapped = word(0) === 0 && word(2) === 0 && word(4) === 0xffff;
    return { family: mapped ? 4 : 6, word0: word(0), word1: word(2), word2: word(4), word3: word(6) };
  });

describe('formatIp', () => {
  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    // RFC 5952 §4.1 to §4.3
    ['2001:0DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:1:0:1:0:1:0:1', '0:1:0:1:0:1:0:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['::1.2.3.4', '::102:304'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('writes %s as %s', (text, expected) => {
    expect(reformat(text)).toBe(expected);
  });

  it('writes what parseIp reads, as ip-address writes it', () => {
    fc.assert(
      fc.property(anyIp, (ip) => {
        const text = formatIp(ip);
        expect(parseIp(text)).toEqual(ip);
        if (ip.family === 6) expect(text).toBe(new Address6(text).correctForm());
      }),
    );
  });
});
