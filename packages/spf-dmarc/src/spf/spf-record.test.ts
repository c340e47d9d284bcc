import { formatCidr } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSpfRecord, readSpfRecord } from './spf-record.ts';

describe('isSpfRecord', () => {
  it.each(['v=spf1', 'V=SPF1 -all', 'v=spf1 '])('takes %j', (text) => expect(isSpfRecord(text)).toBe(true));
  it.each(['', 'v=spf10', 'v=spf1\t-all', ' v=spf1', 'v=spf2.0/pra', 'spf'])('leaves %j', (text) => {
    expect(isSpfRecord(text)).toBe(false);
  });
});

describe('readSpfRecord', () => {
  it('keeps each term with its text, place and networks as numbers', () => {
    const text =
      'v=spf1  ip4:192.0.2.77/24 -ip6:2001:DB8::1/33 ~a/8//64 ?MX:%{d}.x.example a:a/b.example ptr exists:x.example include:y.example x= redirect=z.example exp=%{i}.example all ';
    const read = readSpfRecord(text);
    if (!read.ok) throw new Error(read.problem);
    const { record } = read;
    expect(record.terms.map(({ text, index, kind }) => [index, kind, text])).toEqual([
      [0, 'ip4', 'ip4:192.0.2.77/24'],
      [1, 'ip6', '-ip6:2001:DB8::1/33'],
      [2, 'a', '~a/8//64'],
      [3, 'mx', '?MX:%{d}.x.example'],
      [4, 'a', 'a:a/b.example'],
      [5, 'ptr', 'ptr'],
      [6, 'exists', 'exists:x.example'],
      [7, 'include', 'include:y.example'],
      [8, 'unknown-modifier', 'x='],
      [9, 'redirect', 'redirect=z.example'],
      [10, 'exp', 'exp=%{i}.example'],
      [11, 'all', 'all'],
    ]);
    expect(record.directives.map(({ qualifier }) => qualifier)).toEqual([
      'pass',
      'fail',
      'softfail',
      'neutral',
      'pass',
      'pass',
      'pass',
      'pass',
      'pass',
    ]);
    const [ip4, ip6] = record.directives;
    expect(ip4?.kind === 'ip4' && [formatCidr(ip4.network), ip4.mask]).toEqual(['192.0.2.0/24', -256]);
    expect(ip6?.kind === 'ip6' && formatCidr(ip6.network)).toBe('2001:db8::/33');
    expect(record.directives[2]).toMatchObject({ domain: undefined, ip4Length: 8, ip6Length: 64 });
    expect(record.directives[4]).toMatchObject({ domain: { kind: 'name', name: 'a/b.example' }, ip4Length: 32 });
    expect(record.redirect?.domain).toMatchObject({ kind: 'name', name: 'z.example' });
    expect(record.exp?.domain).toMatchObject({ kind: 'macro' });
  });

  it.each([
    'all:x',
    'all/8',
    '-redirect=a.example',
    'redirect',
    'redirect:a.example',
    'include',
    'include:',
    'include/8',
    'include:a.example/8',
    'exists',
    'ptr/8',
    'ptr:',
    'a:',
    'a/',
    'a//',
    'a/33',
    'a//129',
    'a/024',
    'a/8/8',
    'a8',
    'mx:a.example//',
    'ip4',
    'ip4:',
    'ip4:192.0.2',
    'ip4:192.0.2.01',
    'ip4:192.0.2.1/33',
    'ip4:192.0.2.1/',
    'ip4:192.0.2.1/08',
    'ip4:::ffff:192.0.2.1',
    'ip6:192.0.2.1',
    'ip6:fe80::1%eth0',
    'ip6:2001:db8::/129',
    'ip6:2001:db8::/4x',
    '+',
    '=x',
    '1x=y',
    'x=%',
    'x=%{z}',
    'x=%{d',
    'a:%{d0}',
    'a:%{d1r!}',
    'a:%{c}.example',
    'a:%{}.example',
    'a:%{d}com',
    'a:b',
    'a:b.',
    'a:b.1',
    'a:b.-c',
    'a:b.c-',
    'x\ty',
    'caf\xe9',
    'unknown',
    'exp=a.example exp=b.example',
    'redirect=a.example redirect=a.example',
  ])('refuses %j, and says where', (terms) => {
    const read = readSpfRecord(`v=spf1 ip4:192.0.2.1 ${terms} -all`);
    expect(read).toMatchObject({ ok: false, term: terms.split(' ').at(-1) });
    expect(read.ok || read.problem).toMatch(/^[\w "%-]+/);
  });

  it.each([
    'x=%{c}%{r}%{t}',
    'a:%{d}',
    'a:%{D2R-.}',
    'a:b%%',
    'a:%{d}.b.',
    'x.y-z_1=',
    'a:b.1-2',
    'exists:%_%-.example',
  ])('takes %j', (terms) => expect(readSpfRecord(`v=spf1 ${terms}`)).toMatchObject({ ok: true }));

  it('never throws, and gives the terms back as they stood', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.constantFrom('ip4:192.0.2.1', 'a/24', '%{d}', 'include:', '=', '-all', '/', ' '),
    );
    const texts = fc.array(part).map((parts) => `v=spf1 ${parts.join('')}`);
    fc.assert(
      fc.property(texts, (text) => {
        const read = readSpfRecord(text);
        const terms = text.slice(7).split(' ').filter(Boolean);
        if (read.ok) expect(read.record.terms.map((term) => term.text)).toEqual(terms);
        else expect(terms[read.index]).toBe(read.term);
      }),
    );
  });
});
