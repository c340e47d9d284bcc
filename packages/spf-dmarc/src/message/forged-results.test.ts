import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerOf } from '../test-header.ts';
import { forgedResults } from './forged-results.ts';

const ours = 'mx.bücher.example';

describe('forgedResults', () => {
  it.each([
    'mx.bücher.example; dkim=pass',
    'MX.XN--BCHER-KVA.EXAMPLE; dkim=pass',
    'mx.xn--bcher-kva.example.; dkim=pass',
    '"mx.xn--bcher-kva.example"; dkim=pass',
    '"mx\\.xn--bcher-kva.example" 1; dkim=pass',
    '(a (nested) comment) mx.xn--bcher-kva.example (another) ; dkim=pass',
    '(mx.xn--bcher-kva.example) other.example; dkim=pass',
    '\r\n\tmx.xn--bcher-kva.example\r\n\t; dkim=pass',
    'mx.xn--bcher-kva.example',
    'mx.xn--bcher-kva.example; this is no result at all',
    'mx.xn--bcher-kva.example/1; none',
  ])('names %j for removal', (value) => {
    expect(forgedResults(headerOf('Subject: x', `authentication-results: ${value}`), ours)).toEqual([
      { action: 'remove', name: 'Authentication-Results', index: 0 },
    ]);
  });

  it.each([
    'mx2.xn--bcher-kva.example; dkim=pass',
    'example; dkim=pass header.d=mx.xn--bcher-kva.example',
    'xn--bcher-kva.example; dkim=pass',
    '',
    ';;;',
  ])('leaves %j to others', (value) => {
    expect(forgedResults(headerOf('Subject: x', `Authentication-Results: ${value}`), ours)).toEqual([]);
  });

  it('counts among the fields of the name, as header edits do', () => {
    const header = headerOf(
      'Authentication-Results: other.example; none',
      'ARC-Authentication-Results: i=1; mx.example.com; none',
      'Authentication-Results: mx.example.com; none',
      'X-Authentication-Results: mx.example.com; none',
      'AUTHENTICATION-RESULTS : MX.example.com; none',
    );
    expect(forgedResults(header, 'mx.example.com')).toEqual([
      { action: 'remove', name: 'Authentication-Results', index: 1 },
      { action: 'remove', name: 'Authentication-Results', index: 2 },
    ]);
  });

  it('finds it behind whatever white space, comments and quotes', () => {
    const cfws = fc
      .array(fc.constantFrom(' ', '\t', '(c)', '((c) d)', '("q")'), { maxLength: 4 })
      .map((all) => all.join(''));
    const name = fc.constantFrom('mx.example.com', 'Mx.Example.COM', '"mx.example.com"', 'mx.example.com.');
    fc.assert(
      fc.property(cfws, name, cfws, (before, written, after) => {
        const header = headerOf(`Authentication-Results: ${before}${written}${after}; spf=pass`);
        expect(forgedResults(header, 'mx.example.com')).toHaveLength(1);
      }),
    );
  });
});
