import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DmarcInput } from './evaluate-dmarc.ts';
import { dkim, evaluate, type Records, spf, zone } from './test-evaluation.ts';

describe('alignment (RFC 9989 §4.10.2)', () => {
  it.each<[string, string, Records, Partial<DmarcInput>, 'pass' | 'fail']>([
    ['strict SPF', 'example.com', { 'example.com': 'v=DMARC1; p=none; aspf=s' }, { spf: spf('example.com') }, 'pass'],
    [
      'relaxed SPF under strict',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none; aspf=s' },
      { spf: spf('a.example.com') },
      'fail',
    ],
    [
      'relaxed DKIM under strict',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none; adkim=s' },
      { dkim: dkim('a.example.com') },
      'fail',
    ],
    [
      'relaxed DKIM beside strict SPF',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none; aspf=s' },
      { dkim: dkim('a.example.com') },
      'pass',
    ],
    ['a sibling', 'a.example.com', { 'example.com': 'v=DMARC1; p=none' }, { dkim: dkim('b.example.com') }, 'pass'],
    ['a parent', 'a.example.com', { 'example.com': 'v=DMARC1; p=none' }, { dkim: dkim('example.com') }, 'pass'],
    [
      'a parent above the organization',
      'a.example.com',
      { 'a.example.com': 'v=DMARC1; p=none; psd=n' },
      { dkim: dkim('example.com') },
      'fail',
    ],
    [
      'a child with psd=n',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none', 'a.example.com': 'v=DMARC1; p=none; psd=n' },
      { dkim: dkim('a.example.com') },
      'fail',
    ],
    ['the child of a public suffix', 'com', { com: 'v=DMARC1; p=none; psd=y' }, { dkim: dkim('example.com') }, 'fail'],
    [
      'another child of a public suffix',
      'example.com',
      { com: 'v=DMARC1; p=none; psd=y' },
      { dkim: dkim('example2.com') },
      'fail',
    ],
    [
      'a name that only ends alike',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none' },
      { dkim: dkim('badexample.com') },
      'fail',
    ],
    [
      'what is no domain',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none' },
      { dkim: dkim('', '.', 'exa mple.com', '[192.0.2.1]') },
      'fail',
    ],
    [
      'what is no domain, below one that is',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none' },
      {
        spf: spf('..example.com', 'temperror'),
        dkim: dkim('\0.example.com', '.example.com', `${'a'.repeat(64)}.example.com`, `${'a.'.repeat(150)}example.com`),
      },
      'fail',
    ],
    [
      'a name that no host has, but DNS',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none' },
      { spf: spf('-a.b-.Example.com') },
      'pass',
    ],
    ['a trailing dot', 'example.com', { 'example.com': 'v=DMARC1; p=none' }, { spf: spf('Example.com.') }, 'pass'],
    [
      'SPF that failed',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none' },
      { spf: spf('example.com', 'fail') },
      'fail',
    ],
    [
      'the last of many signatures',
      'example.com',
      { 'example.com': 'v=DMARC1; p=none' },
      { dkim: dkim('a.example', 'b.example', 'x.example.com') },
      'pass',
    ],
  ])('of %s', async (_, domain, records, input, result) => {
    expect(await evaluate({ headerFrom: `ann@${domain}`, records, ...input })).toMatchObject({ result });
  });

  it('walks no further than it has to', async () => {
    const queries = async (input: Partial<DmarcInput>, record = 'v=DMARC1; p=none'): Promise<number> =>
      (await evaluate({ headerFrom: 'ann@a.example.com', records: { 'a.example.com': record }, ...input })).queries;
    expect(await queries({})).toBe(1);
    expect(await queries({ spf: spf('a.example.com'), dkim: dkim('a.example.com') })).toBe(1);
    expect(await queries({ spf: spf('b.example.com') }, 'v=DMARC1; p=none; aspf=s')).toBe(1);
    expect(await queries({ spf: spf('a.example.com'), dkim: dkim('example.net') })).toBe(1);
    expect(await queries({ spf: spf('x.example.com', 'fail') })).toBe(1);
    // Up to the organization and the top, to compare; example.net's walk is nobody's business.
    expect(await queries({ spf: spf('example2.com') })).toBe(3);
    expect(await queries({ spf: spf('b.a.example.com'), dkim: dkim('b.a.example.com', 'a.example.com') })).toBe(4);
  });

  it('asks about ten domains and no more', async () => {
    const resolver = zone({ 'example.com': 'v=DMARC1; p=reject' });
    const names = Array.from({ length: 100 }, (_, n) => `d${n}.example.com`);
    const evaluation = await evaluate({ zone: resolver, dkim: dkim(...names) });
    expect(evaluation.result).toBe('pass');
    expect(evaluation.alignment.dkim.filter(({ alignment }) => alignment === 'relaxed')).toHaveLength(10);
    expect(evaluation.alignment.dkim.filter(({ alignment }) => alignment === 'not-compared')).toHaveLength(90);
    expect(resolver.queries.count()).toBe(12);
  });

  it('is the same from both sides', async () => {
    const label = fc.constantFrom('a', 'b', 'example');
    const name = fc
      .tuple(fc.array(label, { maxLength: 3 }), fc.constantFrom('com', 'net'))
      .map(([labels, top]) => [...labels, top].join('.'));
    const record = fc.constantFrom('v=DMARC1; p=none', 'v=DMARC1; p=none; psd=y', 'v=DMARC1; p=none; psd=n');
    await fc.assert(
      fc.asyncProperty(name, name, fc.dictionary(name, record, { maxKeys: 4 }), async (one, other, records) => {
        const all = {
          ...records,
          [one]: records[one] ?? 'v=DMARC1; p=none',
          [other]: records[other] ?? 'v=DMARC1; p=none',
        };
        const there = await evaluate({ headerFrom: `a@${one}`, records: all, dkim: dkim(other) });
        const back = await evaluate({ headerFrom: `a@${other}`, records: all, dkim: dkim(one) });
        expect(there.result).toBe(back.result);
        expect(there.alignment.dkim[0]?.alignment).toBe(back.alignment.dkim[0]?.alignment);
        // Strict alignment never holds where relaxed alignment does not, and identity holds in both.
        if (one === other) expect(there.result).toBe('pass');
      }),
    );
  });
});
