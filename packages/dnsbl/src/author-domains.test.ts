import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorDomains } from './author-domains.ts';

describe('authorDomains', () => {
  it.each<[string, string[]]>([
    ['ann@shady.biz', ['shady.biz']],
    ['Ann <ann@Shady.BIZ>', ['shady.biz']],
    ['"ceo@bank.example" <ann@shady.biz>', ['shady.biz']],
    ['ann@shady.biz (a comment: b@c.example)', ['shady.biz']],
    ['Ann <ann@a.biz>, Bob <bob@b.biz>, <eve@a.biz>', ['a.biz', 'b.biz']],
    ['Group: ann@a.biz;', ['a.biz']],
    ['"a@b"@shady.biz', ['shady.biz']],
    ['ceo@bank.example <ann@shady.biz>', ['bank.example', 'shady.biz']],
    // A quote or a comment without an end hides nobody.
    ['" <ann@shady.biz>', ['shady.biz']],
    ['( <ann@shady.biz>', ['shady.biz']],
    ['a@1.biz,a@2.biz,a@3.biz,a@4.biz,a@5.biz', ['1.biz', '2.biz', '3.biz', '4.biz']],
    ['nobody', []],
    ['@', []],
    ['', []],
  ])('%j: %j', (value, domains) => {
    expect(authorDomains(value)).toEqual(domains);
  });

  it('reads anything, and names at most 4', () => {
    const unit = fc.constantFrom('a', '@', '"', '(', ')', '\\', '<', '>', ',', ' ', '[', ']', '.');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 100 }), (value) => {
        expect(authorDomains(value).length).toBeLessThanOrEqual(4);
      }),
    );
    expect(authorDomains('@'.repeat(1_000_000))).toEqual([]);
  });
});
