import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSubdomainOf, toAsciiDomain, toUnicodeDomain } from './domain-name.ts';

const label63 = 'a'.repeat(63);
const name253 = `${label63}.${label63}.${label63}.${'a'.repeat(61)}`;

describe('toAsciiDomain', () => {
  it.each([
    ['example.com', 'example.com'],
    ['EXAMPLE.Com', 'example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['3com.com', '3com.com'],
    ['1.2.3.4.example', '1.2.3.4.example'],
    ['r3---sn.example', 'r3---sn.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['xn--a.example', 'xn--a.example'],
    ['0xg', '0xg'],
    ['Bücher.Example', 'xn--bcher-kva.example'],
    ['bu\u0308cher.example', 'xn--bcher-kva.example'],
    ['bücher.example.', 'xn--bcher-kva.example'],
    ['bücher。example｡', 'xn--bcher-kva.example'],
    ['faß.example', 'xn--fa-hia.example'],
    ['ｅｘａｍｐｌｅ.com', 'example.com'],
    ['exam\u00adple.com', 'example.com'],
    ['💩.example', 'xn--ls8h.example'],
    [name253, name253],
    [`${name253}.`, name253],
  ])('writes %s as %s', (text, expected) => {
    expect(toAsciiDomain(text)).toBe(expected);
  });

  it.each([
    '',
    '.',
    '..',
    '.example.com',
    'example..com',
    'example.com..',
    '-a.example',
    'a-.example',
    'example.-',
    'a_b.example',
    '*.example',
    'exa mple.com',
    ' example.com',
    'example.com\n',
    'example.com\0',
    'ex%61mple.com',
    'user@example.com',
    'example.com:25',
    'example.com/x',
    'example.com?',
    'example.com#',
    '\\example.com',
    '[192.0.2.1]',
    '[::1]',
    '192.0.2.1',
    '192.0.2.1.',
    '0x7f.1',
    '0x7f',
    '0X7F000001',
    '2130706433',
    'example.123',
    'example.0x',
    `a${label63}.example`,
    `example.a${label63}`,
    `a${name253}`,
    '１２７．０．０．１',
    '０x7f.1',
    'ü.123',
    'ü.0x1f',
    'ex％61mple.com',
    'bü%63her.com',
    'bü/cher.com',
    'bü@cher.com',
    'bü cher.com',
    'ü..com',
    '.ü',
    '\u00ad',
    'a.\u00ad.b',
    '\ud800.com',
    'xn--bücher.com',
    `${'ü'.repeat(64)}.com`,
    'ü'.repeat(300),
  ])('refuses %j', (text) => {
    expect(toAsciiDomain(text)).toBeUndefined();
  });

  it('refuses text of any length', () => {
    for (const text of ['a.', 'ü.', 'a', 'ü', '.', '-']) expect(toAsciiDomain(text.repeat(100_000))).toBeUndefined();
  });

  it('takes underscores when told so', () => {
    expect(toAsciiDomain('_dmarc.Example.com', { underscores: true })).toBe('_dmarc.example.com');
    expect(toAsciiDomain('_dmarc.bücher.example', { underscores: true })).toBe('_dmarc.xn--bcher-kva.example');
    expect(toAsciiDomain('_dmarc.bücher.example')).toBeUndefined();
  });

  it('gives every valid name in lower case, whatever the case it came in', () => {
    fc.assert(
      fc.property(fc.domain(), fc.infiniteStream(fc.boolean()), (domain, coins) => {
        const mixed = [...domain].map((letter) => (coins.next().value ? letter.toUpperCase() : letter)).join('');
        expect(toAsciiDomain(mixed)).toBe(domain.toLowerCase());
      }),
    );
  });

  it('gives names that keep every rule and that give themselves again, or nothing', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc
        .array(fc.string({ unit: fc.constantFrom(...'abXn-_0x1üßÄя中ａ１．。%/@: \u00ad\u200d'), maxLength: 8 }), {
          maxLength: 4,
        })
        .map((labels) => labels.join('.')),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        const domain = toAsciiDomain(text);
        if (domain === undefined) return;
        expect(domain.length).toBeLessThanOrEqual(253);
        for (const label of domain.split('.')) expect(label).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        expect(toAsciiDomain(domain)).toBe(domain);
        expect(toAsciiDomain(toUnicodeDomain(domain) ?? '')).toBe(domain);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('toUnicodeDomain', () => {
  it.each([
    ['xn--bcher-kva.Example.', 'bücher.example'],
    ['Bücher.example', 'bücher.example'],
    ['example.com', 'example.com'],
    // Not what any U-label becomes
    ['xn--a.example', 'xn--a.example'],
    ['xn--abc-d.example', 'xn--abc-d.example'],
  ])('writes %s as %s', (text, expected) => {
    expect(toUnicodeDomain(text)).toBe(expected);
  });

  it('has nothing for what is no domain', () => {
    expect(toUnicodeDomain('192.0.2.1')).toBeUndefined();
    expect(toUnicodeDomain('_x.bücher.example')).toBeUndefined();
    expect(toUnicodeDomain('_x.xn--bcher-kva.example', { underscores: true })).toBe('_x.bücher.example');
  });
});

describe('isSubdomainOf', () => {
  it.each([
    ['a.example.com', 'example.com', true],
    ['a.b.example.com', 'example.com', true],
    ['example.com', 'com', true],
    ['example.com', 'example.com', false],
    ['badexample.com', 'example.com', false],
    ['.example.com', 'example.com', false],
    ['com', 'example.com', false],
    ['example.com', '', false],
  ])('%s below %s: %s', (name, parent, expected) => {
    expect(isSubdomainOf(name, parent)).toBe(expected);
  });
});
