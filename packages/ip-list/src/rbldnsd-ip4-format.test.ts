import { describe, expect, it } from 'vitest';
import { collectIp } from './collected-entries.ts';

describe('zone files of rbldnsd for IPv4', () => {
  // rbldnsd(8), "ip4set Dataset": all these are the same.
  it.each([
    ['127.0.0.0/24', '127.0.0.0/24'],
    ['127.0.0', '127.0.0.0/24'],
    ['127-127.0.0', undefined],
    ['127.0.0.0-127.0.0.255', '127.0.0.0/24'],
    ['127.16.0.0-127.31.255.255', '127.16.0.0/12'],
    ['127.16.0-127.31.255', '127.16.0.0/12'],
    ['127.16-127.31', '127.16.0.0/12'],
    ['127.16-31', '127.16.0.0/12'],
    ['127.16.0/12', '127.16.0.0/12'],
    ['127.16/12', '127.16.0.0/12'],
    ['127/8', '127.0.0.0/8'],
    ['127', undefined],
    ['127.16.0-31', '127.16.0.0/19'],
    ['127.0.0.2', '127.0.0.2/32'],
    ['127.0.0.010', '127.0.0.10/32'],
    ['127.0.0.2-1', undefined],
    ['127.0.0.256', undefined],
    ['127.0.0.1.2', undefined],
    ['127.0.0.1/33', undefined],
    ['0/0', undefined],
    ['127.0.0.1x', undefined],
    ['127.', undefined],
  ])('ip4set: %s', async (text, prefix) => {
    const { entries, problems } = await collectIp(text, { format: 'ip4set' });
    expect(entries).toEqual(prefix === undefined ? [] : [`${prefix} block`]);
    expect(problems).toEqual(prefix === undefined ? ['1 skipped not-an-address'] : []);
  });

  it.each([
    ['127.0.0', '127.0.0.0/24'],
    ['127/8', '127.0.0.0/8'],
    ['0/0', '0.0.0.0/0'],
    ['127.16-31', undefined],
  ])('ip4trie: %s', async (text, prefix) => {
    const { entries } = await collectIp(text, { format: 'ip4trie' });
    expect(entries).toEqual(prefix === undefined ? [] : [`${prefix} block`]);
  });

  it('takes reasons from TXT templates and A values', async () => {
    const text = `$SOA 1w ns1.bl.test admin.bl.test 0 2h 2h 1w 1h
$NS 1w ns1.bl.test -ns2.bl.test
#$TTL 2h
$1 See https://bl.test/
192.0.2.1
:127.0.0.2:IP address $ is listed
192.0.2.4
192.0.2.5 :5
192.0.2.6 :6:
192.0.2.7 IP address $ running an open relay
192.0.2.8	:127.0.0.3: own text # and all
192.0.2.9 ; a comment
192.0.2.10 :x:no value
:2
192.0.2.11
:bad
192.0.2.12
192.0.2.13#comment
`;
    expect(await collectIp(text, { format: 'ip4set' })).toEqual({
      entries: [
        '192.0.2.1/32 block',
        '192.0.2.4/32 block IP address $ is listed',
        '192.0.2.5/32 block IP address $ is listed',
        '192.0.2.6/32 block 127.0.0.6',
        '192.0.2.7/32 block IP address $ running an open relay',
        '192.0.2.8/32 block own text # and all',
        '192.0.2.9/32 block IP address $ is listed',
        '192.0.2.11/32 block 127.0.0.2',
        '192.0.2.12/32 block 127.0.0.2',
        '192.0.2.13/32 block 127.0.0.2',
      ],
      problems: ['13 skipped malformed', '16 skipped malformed'],
    });
  });

  it('lets an exclusion of an ip4set win within its kind of prefix, in whatever order', async () => {
    const text = `192.0.2.0/30
!192.0.2.0/25
192.0.2.8/30
192.0.2.0/24
!198.51.100.0/24
198.51.100.7
`;
    expect((await collectIp(text, { format: 'ip4set' })).entries).toEqual([
      '192.0.2.0/30 block',
      '192.0.2.0/25 allow',
      // A /24 is of another kind, as a single address is beside a /24.
      '192.0.2.0/24 block',
      '198.51.100.0/24 allow',
      '198.51.100.7/32 block',
      '192.0.2.0/30 allow',
    ]);
  });

  it('lets the longest prefix of an ip4trie decide, and of the same one the first', async () => {
    const text = '192.0.2.0/24\n!192.0.2.0/30\n192.0.2.1\n192.0.2.0/30\n!192.0.2.0/24\n';
    expect(await collectIp(text, { format: 'ip4trie' })).toEqual({
      entries: ['192.0.2.0/24 block', '192.0.2.0/30 allow', '192.0.2.1/32 block'],
      problems: ['4 skipped contradiction', '5 skipped contradiction'],
    });
  });

  it('keeps to the $MAXRANGE4 of the file, which only ever falls', async () => {
    const text =
      '$MAXRANGE4 /24\n10.0.0.0/23\n10.0.0.0/24\n$MAXRANGE4 1000\n10.1.0.0/23\n$MAXRANGE4 4\n10.2.0.0/24\n!10.0.0.0-10.0.0.3\n$MAXRANGE4 x\n';
    expect(await collectIp(text, { format: 'ip4set' })).toEqual({
      entries: ['10.0.0.0/24 block', '10.0.0.0/30 allow'],
      problems: ['2 skipped too-wide', '5 skipped too-wide', '7 skipped too-wide', '9 skipped malformed'],
    });
  });

  it('reads the data sets of a combined file that list addresses', async () => {
    const text = `$DATASET ip4set:proxy proxies @
:2:Open proxy
192.0.2.1
$DATASET dnset names
example.com
$DATASET ip4trie:nets @
192.0.2.0/24
!192.0.2.128/25
$DATASET ip4set more
!192.0.2.4
`;
    expect(await collectIp(text, { format: 'ip4set' })).toEqual({
      entries: ['192.0.2.1/32 block Open proxy', '192.0.2.0/24 block', '192.0.2.128/25 allow', '192.0.2.4/32 allow'],
      problems: [
        '4 skipped unsupported',
        '8 taken other-data-set',
        '9 taken other-data-set',
        '10 taken other-data-set',
      ],
    });
  });

  it('reports host bits and specials that it does not know', async () => {
    const text = '192.0.2.1/24\n$TIMESTAMP 2026:01:01 +1d\n';
    expect(await collectIp(text, { format: 'ip4trie' })).toEqual({
      entries: ['192.0.2.0/24 block'],
      problems: ['1 taken host-bits', '2 skipped unsupported'],
    });
  });

  it('has no exclusions in a list of what is allowed', async () => {
    expect(await collectIp('10/8\n!10.0.0.1\n', { format: 'ip4set', action: 'allow' })).toEqual({
      entries: ['10.0.0.0/8 allow'],
      problems: ['2 skipped unsupported'],
    });
  });
});
