import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAuthenticationResults } from './authentication-results-parse.ts';
import { HeaderParser } from './header-parser.ts';

function property(ptype: string, name: string, value: string): { ptype: string; property: string; value: string } {
  return { ptype, property: name, value };
}

describe('parseAuthenticationResults', () => {
  describe('the examples of RFC 8601 appendix B', () => {
    it('B.2: service provided, but no authentication done', () => {
      expect(parseAuthenticationResults('example.org 1; none')).toEqual({
        authservId: 'example.org',
        version: 1,
        results: [],
      });
    });

    it('B.3: service provided, authentication done', () => {
      expect(parseAuthenticationResults('example.com;\r\n          spf=pass smtp.mailfrom=example.net')).toEqual({
        authservId: 'example.com',
        results: [{ method: 'spf', result: 'pass', properties: [property('smtp', 'mailfrom', 'example.net')] }],
      });
    });

    it('B.4: several authentications done, one MTA', () => {
      const value =
        'example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net';
      expect(parseAuthenticationResults(value)?.results).toEqual([
        { method: 'auth', result: 'pass', properties: [property('smtp', 'auth', 'sender@example.net')] },
        { method: 'spf', result: 'pass', properties: [property('smtp', 'mailfrom', 'example.net')] },
      ]);
      expect(parseAuthenticationResults('example.com; iprev=pass\r\n policy.iprev=192.0.2.200')?.results).toEqual([
        { method: 'iprev', result: 'pass', properties: [property('policy', 'iprev', '192.0.2.200')] },
      ]);
    });

    it('B.5: several authentications done, different MTAs', () => {
      expect(
        parseAuthenticationResults('example.com;\r\n dkim=pass (good signature) header.d=example.com')?.results,
      ).toEqual([{ method: 'dkim', result: 'pass', properties: [property('header', 'd', 'example.com')] }]);
      const value =
        'example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.com;\r\n spf=fail smtp.mailfrom=example.com';
      expect(parseAuthenticationResults(value)?.results.map((each) => each.result)).toEqual(['pass', 'fail']);
    });

    it('B.6: several tiers, with reasons', () => {
      const value =
        'example.com;\r\n dkim=pass reason="good signature"\r\n header.i=@mail-router.example.net;' +
        '\r\n dkim=fail reason="bad signature"\r\n header.i=@newyork.example.com';
      expect(parseAuthenticationResults(value)?.results).toEqual([
        {
          method: 'dkim',
          result: 'pass',
          reason: 'good signature',
          properties: [property('header', 'i', '@mail-router.example.net')],
        },
        {
          method: 'dkim',
          result: 'fail',
          reason: 'bad signature',
          properties: [property('header', 'i', '@newyork.example.com')],
        },
      ]);
    });

    it('B.7: comments wherever they may stand', () => {
      const value =
        'foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail' +
        "\r\n policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462";
      expect(parseAuthenticationResults(value)).toEqual({
        authservId: 'foo.example.net',
        version: 1,
        results: [
          { method: 'dkim', version: 1, result: 'fail', properties: [property('policy', 'expired', '1362471462')] },
        ],
      });
    });
  });

  it('takes what servers write beyond the grammar', () => {
    const results = (value: string) => parseAuthenticationResults(value)?.results;
    expect(results('mx; dkim=pass header.b=a/b+c=;')).toEqual([
      { method: 'dkim', result: 'pass', properties: [property('header', 'b', 'a/b+c=')] },
    ]);
    expect(results('mx; iprev=pass policy.iprev=2001:db8::1')).toEqual([
      { method: 'iprev', result: 'pass', properties: [property('policy', 'iprev', '2001:db8::1')] },
    ]);
    expect(results('mx; spf=none smtp.mailfrom=; x_y=pass policy.is_org=<>')).toEqual([
      { method: 'spf', result: 'none', properties: [property('smtp', 'mailfrom', '')] },
      { method: 'x_y', result: 'pass', properties: [property('policy', 'is_org', '<>')] },
    ]);
    expect(results('mx; dmarc=fail action=none header.from=example.com;')).toEqual([
      { method: 'dmarc', result: 'fail', properties: [property('header', 'from', 'example.com')] },
    ]);
  });

  it('reads keywords without regard to case', () => {
    expect(parseAuthenticationResults('MX; SPF=Pass SMTP.MailFrom=A@B.example')).toEqual({
      authservId: 'MX',
      results: [{ method: 'spf', result: 'pass', properties: [property('smtp', 'mailfrom', 'A@B.example')] }],
    });
  });

  it('reads quoted strings, quoted pairs and quoted local-parts', () => {
    const value = '"my \\"server"; spf=pass reason="a\\\\b; c=d\r\n e" smtp.mailfrom="x y"@example.com';
    expect(parseAuthenticationResults(value)).toEqual({
      authservId: 'my "server',
      results: [
        {
          method: 'spf',
          result: 'pass',
          reason: 'a\\b; c=d e',
          properties: [property('smtp', 'mailfrom', '"x y"@example.com')],
        },
      ],
    });
  });

  it('reads nested comments, and semicolons in them', () => {
    expect(parseAuthenticationResults('mx (a(b;c)\\)d); spf=pass (x; dkim=pass)')?.results).toEqual([
      { method: 'spf', result: 'pass' },
    ]);
  });

  it.each([
    ['', 'nothing'],
    ['mx', 'no semicolon'],
    ['mx;', 'no result'],
    [' ; spf=pass', 'no authserv-id'],
    ['spf=pass smtp.mailfrom=a; dkim=pass', 'no authserv-id, as some servers write it'],
    ['mx x; spf=pass', 'a version that is no number'],
    ['mx; spf', 'no result of the method'],
    ['mx; none; spf=pass', 'none and then some'],
    ['mx; spf=pass; none', 'some and then none'],
    ['mx; none reason=x', 'none with a reason'],
    ['mx; spf=', 'an empty result'],
    ['mx; spf=pass smtp', 'half a property'],
    ['mx; spf=pass smtp.=x', 'no property'],
    ['mx; spf/x=pass', 'a version of the method that is no number'],
    ['mx; spf=pass (x', 'a comment without an end'],
    ['mx (x; spf=pass', 'a comment without an end before the semicolon'],
    ['mx; spf=pass reason="x', 'a quoted string without an end'],
    ['mx; spf=pass reason="x\\', 'a quoted pair without an end'],
    ['mx; spf=pass reason="x\0"', 'NUL in a quoted string'],
    ['mx; spf=pass reason="x\\\0"', 'NUL in a quoted pair'],
    ['mx; spf=pass smtp.mailfrom=a"b', 'a quote in the middle'],
    ['mx; spf=pass smtp.mailfrom=a\0', 'NUL'],
    [`mx; ${'s'.repeat(64)}=pass`, 'a keyword too long'],
  ])('does not read %j: %s', (value) => {
    expect(parseAuthenticationResults(value)).toBeUndefined();
  });

  it('takes a header field as well', () => {
    const state = new HeaderParser().write(Buffer.from('Authentication-Results: mx;\r\n\tspf=pass\r\n\r\n'));
    if (state.kind !== 'complete') throw new Error('not complete');
    const field = state.header.first('authentication-results');
    expect(field && parseAuthenticationResults(field)?.results).toEqual([{ method: 'spf', result: 'pass' }]);
  });

  it('reads the longest hostile field at once, and no longer one', () => {
    for (const piece of ['(', '"', '\\', ' ', '; ', '()', '(a)', '=', '.', 'x.y=', '"" ', 'a=b ']) {
      const value = `mx; spf=pass ${piece.repeat(65_000 / piece.length)}`;
      parseAuthenticationResults(value);
      expect(parseAuthenticationResults(`mx; spf=pass (${piece.repeat(65_536)}`)).toBeUndefined();
    }
    expect(parseAuthenticationResults(`mx; spf=pass ${'('.repeat(30_000)}${')'.repeat(30_000)}`)?.results).toHaveLength(
      1,
    );
  });

  it('throws at nothing', () => {
    const piece = fc.constantFrom(
      'mx',
      ';',
      '=',
      '.',
      '/',
      'spf',
      'pass',
      'none',
      'reason',
      '"',
      '\\',
      '(',
      ')',
      ' ',
      '\r\n',
      '1',
      '@',
      '\0',
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
      fc.array(piece, { maxLength: 40 }).map((pieces) => `mx; spf=pass ${pieces.join('')}`),
    );
    fc.assert(
      fc.property(value, (text) => {
        const parsed = parseAuthenticationResults(text);
        expect(parsed === undefined || parsed.authservId !== '').toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
