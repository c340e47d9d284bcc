import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSubdomainOf } from './domain-name.ts';
import { DomainSet } from './domain-pattern.ts';

describe('DomainSet', () => {
  const set = new DomainSet(['Example.com', '.example.NET.', 'bücher.example', '.sub.example.net', 'win_host.example']);

  it.each([
    ['example.com', 'example.com'],
    ['mail.example.com', undefined],
    ['example.net', undefined],
    ['a.example.net', '.example.net'],
    ['a.b.c.example.net', '.example.net'],
    ['a.sub.example.net', '.sub.example.net'],
    ['badexample.net', undefined],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['win_host.example', 'win_host.example'],
    ['', undefined],
    ['.example.net', undefined],
    ['..example.net', undefined],
    ['.', undefined],
    ['com', undefined],
  ])('%j matches %j', (domain, pattern) => {
    expect(set.match(domain)).toBe(pattern);
    expect(set.has(domain)).toBe(pattern !== undefined);
  });

  it('matches single domains only when no pattern covers subdomains', () => {
    const single = new DomainSet(['example.com', 'a.b.example.net']);
    expect(single.match('example.com')).toBe('example.com');
    expect(single.match('a.b.example.net')).toBe('a.b.example.net');
    for (const domain of ['mail.example.com', 'b.example.net', 'example.net', 'com', '.example.com', '']) {
      expect(single.match(domain)).toBeUndefined();
    }
  });

  it('looks no further into text that is longer than a domain', () => {
    expect(set.match(`${'a.'.repeat(121)}example.net`)).toBe('.example.net');
    expect(set.match(`${'a.'.repeat(122)}example.net`)).toBeUndefined();
    expect(set.match(`${'a.'.repeat(200_000)}example.net`)).toBeUndefined();
  });

  it('counts a pattern once, however it is written', () => {
    expect(new DomainSet(['bücher.example', 'XN--BCHER-KVA.example.']).size).toBe(1);
    expect(new DomainSet(new Set<string>()).size).toBe(0);
  });

  it.each([
    '',
    '.',
    '*.example.com',
    '..example.com',
    'example..com',
    'a b.example',
    'user@example.com',
    '192.0.2.1',
    '[192.0.2.1]',
  ])('throws a RangeError that names %j', (pattern) => {
    expect(() => new DomainSet(['example.com', pattern])).toThrow(RangeError);
    expect(() => new DomainSet(['example.com', pattern])).toThrow(JSON.stringify(pattern));
  });

  it('says in errors whose list it is', () => {
    expect(() => new DomainSet(['a b'], 'Gate: option "domains"')).toThrow('Gate: option "domains": "a b" is neither');
    expect(() => new DomainSet(['a b'])).toThrow('DomainSet: "a b" is neither');
  });

  it('throws a TypeError on what is not a list of strings', () => {
    for (const patterns of ['example.com', undefined, null, 7, {}, [7], [undefined]]) {
      // @ts-expect-error as a program without types, or a configuration file, would
      expect(() => new DomainSet(patterns)).toThrow(TypeError);
    }
  });

  it('matches what an exhaustive search matches, and prefers the longest', () => {
    const domain = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 })
      .map((labels) => labels.join('.'));
    const pattern = fc.tuple(fc.constantFrom('', '.'), domain).map(([dot, name]) => dot + name);
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 8 }), domain, (patterns, name) => {
        const matching = patterns.filter((each) =>
          each.startsWith('.') ? isSubdomainOf(name, each.slice(1)) : each === name,
        );
        const expected = matching.sort((one, other) => other.length - one.length)[0];
        expect(new DomainSet(patterns).match(name)).toBe(expected);
      }),
    );
  });
});
