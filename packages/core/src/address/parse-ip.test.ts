import { isIP } from 'node:net';
import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import { describe, expect, it } from 'vitest';
import { parseIp } from './parse-ip.ts';

const ipv4 = (word3: number) => ({ family: 4, word0: 0, word1: 0, word2: 0xffff, word3 });

describe('parseIp', () => {
  it.each([
    ['0.0.0.0', ipv4(0)],
    ['192.0.2.1', ipv4(0xc0000201)],
    ['255.255.255.255', ipv4(0xffffffff)],
    ['::', { family: 6, word0: 0, word1: 0, word2: 0, word3: 0 }],
    ['::1', { family: 6, word0: 0, word1: 0, word2: 0, word3: 1 }],
    ['1::', { family: 6, word0: 0x10000, word1: 0, word2: 0, word3: 0 }],
    ['2001:DB8::fFfF:1', { family: 6, word0: 0x20010db8, word1: 0, word2: 0, word3: 0xffff0001 }],
    ['1:2:3:4:5:6:7:8', { family: 6, word0: 0x10002, word1: 0x30004, word2: 0x50006, word3: 0x70008 }],
    ['1:2:3:4:5:6:7::', { family: 6, word0: 0x10002, word1: 0x30004, word2: 0x50006, word3: 0x70000 }],
    ['::2:3:4:5:6:7:8', { family: 6, word0: 0x2, word1: 0x30004, word2: 0x50006, word3: 0x70008 }],
    ['64:ff9b::192.0.2.1', { family: 6, word0: 0x64ff9b, word1: 0, word2: 0, word3: 0xc0000201 }],
    ['1:2:3:4:5:6:192.0.2.1', { family: 6, word0: 0x10002, word1: 0x30004, word2: 0x50006, word3: 0xc0000201 }],
    ['::192.0.2.1', { family: 6, word0: 0, word1: 0, word2: 0, word3: 0xc0000201 }],
    [
      'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255',
      { family: 6, word0: 0xffffffff, word1: 0xffffffff, word2: 0xffffffff, word3: 0xffffffff },
    ],
  ])('reads %s', (text, expected) => {
    expect(parseIp(text)).toEqual(expected);
  });

  it.each(['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.1', '0000::ffff:c000:0201'])(
    'takes the IPv4-mapped %s for IPv4',
    (text) => {
      expect(parseIp(text)).toEqual(ipv4(0xc0000201));
    },
  );

  it.each([
    '',
    ' ',
    '.',
    ':',
    ':::',
    '1',
    '1.2.3',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '256.0.0.1',
    '1.2.3.256',
    '1.2.3.1000',
    '01.2.3.4',
    '1.2.3.04',
    '1.2.3.00',
    '0x7f.0.0.1',
    '2130706433',
    '127.1',
    '1.2.3.-4',
    '+1.2.3.4',
    '1e0.2.3.4',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4\n',
    '1.2.3.4/32',
    '1.2.3.4%eth0',
    '1.2.3.4:25',
    '١.2.3.4',
    '1．2．3．4',
    ':1',
    '1:',
    '1:2',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:',
    ':2:3:4:5:6:7:8',
    '1:2:3:4::5:6:7:8',
    '::1::',
    '1::2::3',
    '1:::2',
    ':::1',
    '1:::',
    '12345::',
    '::12345',
    '::00001',
    '::g',
    '::1/128',
    '[::1]',
    '::1 ',
    ' ::1',
    '::1%',
    '::1%eth0',
    '2001:db8::1%1',
    'IPv6:::1',
    '::1.2.3',
    '::1.2.3.4.5',
    '::01.2.3.4',
    '::1.2.3.256',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1:2:3:4:5:1.2.3.4',
    '1:2:3:4:5:6::1.2.3.4',
    '::1234567.1.1.1',
    'fe80::1%',
    'fe80::1%%',
    'fe80::1%a/b',
    'fe80::1%a b',
    'fe80::1%\n',
    `fe80::1%${'x'.repeat(65)}`,
    'fec0::1%eth0',
  ])('refuses %j', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it('refuses text of any length', () => {
    for (const text of ['f', '1:', '1.', '::0', ':', 'fe80::%']) expect(parseIp(text.repeat(100_000))).toBeUndefined();
    expect(parseIp(`fe80::1%${'x'.repeat(100_000)}`)).toBeUndefined();
  });

  it('leaves out the zone id of a link-local client', () => {
    const bare = { family: 6, word0: 0xfe800000, word1: 0, word2: 0, word3: 1 };
    for (const zone of ['', '%eth0', '%1', '%br-lan.20', '%Wi_Fi', `%${'x'.repeat(64)}`]) {
      expect(parseIp(`fe80::1${zone}`)).toEqual(bare);
    }
    expect(parseIp('febf::1%eth0')).toEqual({ ...bare, word0: 0xfebf0000 });
  });

  it('agrees with node:net and ip-address on what is an address', () => {
    const alphabet = fc.constantFrom(...'0123456789abcdefAF:::::.....%g /');
    const nearAddress = fc.oneof(
      fc.string({ unit: alphabet, maxLength: 24 }),
      fc.ipV4(),
      fc.ipV6(),
      fc
        .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(45), fc.nat(2), fc.string({ unit: alphabet, maxLength: 2 }))
        .map(([text, at, drop, insert]) => text.slice(0, at) + insert + text.slice(at + drop)),
    );
    fc.assert(
      fc.property(nearAddress, (text) => {
        // Zone ids are this parser's own decision.
        fc.pre(!text.includes('%'));
        const ip = parseIp(text);
        expect(ip !== undefined).toBe(isIP(text) !== 0);
        if (ip === undefined) return;
        const value =
          (BigInt(ip.word0) << 96n) | (BigInt(ip.word1) << 64n) | (BigInt(ip.word2) << 32n) | BigInt(ip.word3);
        const expected = text.includes(':')
          ? new Address6(text).bigInt()
          : (0xffffn << 32n) | new Address4(text).bigInt();
        expect(value).toBe(expected);
        expect(ip.family).toBe(value >> 32n === 0xffffn ? 4 : 6);
      }),
      { numRuns: 3_000 },
    );
  });

  it('never throws on a string', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const ip = parseIp(text);
        if (ip !== undefined) expect(isIP(text)).not.toBe(0);
      }),
    );
  });
});
