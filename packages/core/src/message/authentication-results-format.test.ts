import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MethodResult } from './authentication-results.ts';
import { formatAuthenticationResults } from './authentication-results-format.ts';
import { parseAuthenticationResults } from './authentication-results-parse.ts';
import { formatHeaderField } from './header-field-format.ts';
import { HeaderParser } from './header-parser.ts';

const authservId = 'mx.example.com';

function withValue(value: string): MethodResult {
  return { method: 'spf', result: 'fail', properties: [{ ptype: 'smtp', property: 'mailfrom', value }] };
}

describe('formatAuthenticationResults', () => {
  it('says none when there is nothing to say', () => {
    expect(formatAuthenticationResults({ authservId, results: [] })).toBe('mx.example.com; none');
    expect(formatAuthenticationResults({ authservId, results: [], version: 1 })).toBe('mx.example.com 1; none');
  });

  it('writes one result a line and folds long ones', () => {
    const value = formatAuthenticationResults({
      authservId,
      results: [
        {
          method: 'iprev',
          result: 'pass',
          version: 1,
          properties: [{ ptype: 'policy', property: 'iprev', value: '192.0.2.1' }],
        },
        {
          method: 'dkim',
          version: 2,
          result: 'fail',
          reason: 'body hash did not verify',
          properties: [
            { ptype: 'header', property: 'd', value: 'example.org' },
            { ptype: 'header', property: 'i', value: '@newsletter.example.org' },
          ],
        },
      ],
    });
    expect(value.split('\r\n')).toEqual([
      'mx.example.com;',
      '\tiprev=pass policy.iprev=192.0.2.1;',
      '\tdkim/2=fail reason="body hash did not verify" header.d=example.org',
      '\theader.i=@newsletter.example.org',
    ]);
  });

  it.each([
    ['example.org', 'example.org'],
    ['a@example.org', 'a@example.org'],
    ['@example.org', '@example.org'],
    ['bounce+to=user.name@example.org', 'bounce+to=user.name@example.org'],
    ['"two words"@example.org', '"\\"two words\\"@example.org"'],
    ['2001:db8::1', '"2001:db8::1"'],
    ['', '""'],
    ['a..b@example.org', '"a..b@example.org"'],
    ['x; dkim=pass', '"x; dkim=pass"'],
    ['x\r\nFrom: y', '"x??From: y"'],
    ['x" ; dkim=pass (', '"x\\" ; dkim=pass ("'],
    ['x\\', '"x\\\\"'],
    ['ü@example.org', '"ü@example.org"'],
    ['a\u2028b\u0085c\0', '"a?b?c?"'],
    ['\ud800', '"\ufffd"'],
  ])('writes the value %j safely', (value, written) => {
    expect(formatAuthenticationResults({ authservId, results: [withValue(value)] })).toBe(
      `mx.example.com;\r\n\tspf=fail smtp.mailfrom=${written}`,
    );
  });

  it('cuts off what no line could hold, between characters', () => {
    for (const long of ['"'.repeat(1_000), '📬'.repeat(300), 'x'.repeat(100_000), `${'x'.repeat(500)}@example.com`]) {
      const result: MethodResult = {
        method: 'm'.repeat(63),
        result: 'fail',
        reason: long,
        properties: [{ ptype: 'p'.repeat(63), property: 'q'.repeat(63), value: long }],
      };
      const value = formatAuthenticationResults({ authservId, results: [result] });
      for (const line of value.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThan(998);
      const parsed = parseAuthenticationResults(value)?.results[0];
      expect(parsed?.reason?.endsWith('…')).toBe(true);
      expect(parsed?.reason).not.toContain('\ufffd');
      expect(parsed?.properties?.[0]?.value).toBe(parsed?.reason);
    }
  });

  it('quotes an authserv-id that is no token', () => {
    expect(formatAuthenticationResults({ authservId: 'my server; x', results: [] })).toBe('"my server; x"; none');
  });

  it('refuses what a programmer must not give it', () => {
    expect(() => formatAuthenticationResults({ authservId: '', results: [] })).toThrow(TypeError);
    expect(() => formatAuthenticationResults({ authservId: 'a\r\nb', results: [] })).toThrow(TypeError);
    expect(() => formatAuthenticationResults({ authservId: 'a'.repeat(256), results: [] })).toThrow(TypeError);
    expect(() => formatAuthenticationResults({ authservId, results: [], version: 0.5 })).toThrow(TypeError);
    const results = [{ method: 'spf', result: 'pass; dkim=pass' }];
    expect(() => formatAuthenticationResults({ authservId, results })).toThrow(TypeError);
  });

  const keyword = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}[a-z0-9]$/).filter((word) => word !== 'reason');
  const word = fc.oneof(
    fc.stringMatching(/^[ -~]{0,40}$/),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom('a@b.example', '"q q"@b.example', '(', ')', '\\', '"', ';', '='),
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
  const text = word.filter((each) => !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(each));
  const property = fc.record({ ptype: keyword, property: keyword, value: text });
  const result: fc.Arbitrary<MethodResult> = fc.record(
    {
      method: keyword,
      result: keyword,
      version: fc.integer({ min: 2, max: 99 }),
      reason: text,
      properties: fc.array(property, { minLength: 1, maxLength: 4 }),
    },
    { requiredKeys: ['method', 'result'] },
  );
  const input = fc.record(
    {
      authservId: text.filter((id) => id !== ''),
      results: fc.array(result, { maxLength: 5 }),
      version: fc.constant(1),
    },
    { requiredKeys: ['authservId', 'results'] },
  );

  it('is what the parser reads, also behind the whole way through a header', () => {
    fc.assert(
      fc.property(input, (whole) => {
        const value = formatAuthenticationResults(whole);
        expect(parseAuthenticationResults(value)).toEqual(whole);
        const state = new HeaderParser().write(
          Buffer.from(`${formatHeaderField('Authentication-Results', value)}\r\n`),
        );
        if (state.kind !== 'complete') throw new Error('not complete');
        const [field, ...more] = state.header.fields;
        expect(more).toEqual([]);
        expect(field && parseAuthenticationResults(field)).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it('lets no value say more than one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), fc.string({ unit: 'binary' }), (value, reason) => {
        const parsed = parseAuthenticationResults(
          formatAuthenticationResults({ authservId, results: [{ ...withValue(value), reason }] }),
        );
        expect(parsed?.results).toHaveLength(1);
        expect(parsed?.results[0]).toMatchObject({ method: 'spf', result: 'fail' });
        expect(parsed?.results[0]?.properties).toHaveLength(1);
      }),
    );
  });
});
