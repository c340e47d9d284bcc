import { type Cidr, type IpAddress, parseCidr, parseIp } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectIp } from './collected-entries.ts';
import { readIpEntries } from './read-entries.ts';

function numberOf({ word0, word1, word2, word3 }: IpAddress): bigint {
  return (BigInt(word0) << 96n) | (BigInt(word1) << 64n) | (BigInt(word2) << 32n) | BigInt(word3);
}

function ends({ network, prefixLength }: Cidr): readonly [first: bigint, last: bigint] {
  const first = numberOf(network);
  return [first, first + (1n << BigInt((network.family === 4 ? 32 : 128) - prefixLength)) - 1n];
}

describe('the plain format', () => {
  it('reads addresses, prefixes, ranges and comments', async () => {
    const text = `# a comment
; another

192.0.2.1
  198.51.100.0/24   # sends spam
2001:db8::/32;SBL1
203.0.113.1-203.0.113.2 ## two
203.0.113.8 - 203.0.113.9
2001:DB8::1-2001:db8::2
::ffff:192.0.2.9
`;
    expect(await collectIp(text, {})).toEqual({
      entries: [
        '192.0.2.1/32 block',
        '198.51.100.0/24 block sends spam',
        '2001:db8::/32 block SBL1',
        '203.0.113.1/32 block two',
        '203.0.113.2/32 block two',
        '203.0.113.8/31 block',
        '2001:db8::1/128 block',
        '2001:db8::2/128 block',
        '192.0.2.9/32 block',
      ],
      problems: [],
    });
  });

  it('reports what it does not take, and what it takes differently', async () => {
    const text = `1.2.3
10.0.0.1/33
10.0.0.1/24
10.0.0.2-10.0.0.1
10.0.0.1-::1
10.0.0.1-
1.2.3.4 5.6.7.8
fe80::1%eth0
fe80::1%eth-fe80::2
010.0.0.1
10.0.0.0/255.0.0.0
example.com
0x7f.1
10.0.0.5
`;
    expect(await collectIp(text, {})).toEqual({
      entries: ['10.0.0.0/24 block', '10.0.0.5/32 block'],
      problems: [
        '1 skipped not-an-address',
        '2 skipped bad-prefix-length',
        '3 taken host-bits',
        '4 skipped bad-range',
        '5 skipped bad-range',
        '6 skipped not-an-address',
        '7 skipped not-an-address',
        '8 skipped zone-id',
        '9 skipped zone-id',
        '10 skipped not-an-address',
        '11 skipped bad-prefix-length',
        '12 skipped not-an-address',
        '13 skipped not-an-address',
      ],
    });
  });

  it('reads into a list of what is allowed', async () => {
    expect((await collectIp('192.0.2.1', { action: 'allow' })).entries).toEqual(['192.0.2.1/32 allow']);
  });

  it('never throws, and never takes what the text does not spell', async () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc
        .array(fc.constantFrom('1', '.', '255', '/', '24', '-', ':', '::', 'f', '%', '#', ' ', '\n', '\0', '\r', 'ü'), {
          maxLength: 60,
        })
        .map((parts) => Buffer.from(parts.join(''))),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (bytes) => {
        const spelt: (readonly [first: bigint, last: bigint])[] = [];
        for (const line of bytes.toString().split(/[\r\n]/)) {
          const content = line.replace(/[#;].*/s, '').trim();
          const [first = '', last = ''] = content.split(/-(.*)/s).map((each) => parseIp(each.trim()));
          if (first && last && first.family === last.family) spelt.push([numberOf(first), numberOf(last)]);
          const result = parseCidr(content);
          if (result.ok) spelt.push(ends(result.cidr));
        }
        for await (const [cidr] of readIpEntries(bytes)) {
          const [first, last] = ends(cidr);
          expect(spelt.some((each) => each[0] <= first && last <= each[1])).toBe(true);
        }
      }),
    );
  });
});
