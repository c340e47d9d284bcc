import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimsAuthservId } from './claims-authserv-id.ts';

const ours = 'mx.example.com';

describe('claimsAuthservId', () => {
  it.each([
    'mx.example.com; spf=pass',
    'MX.Example.COM; spf=pass',
    'mx.example.com. ; spf=pass',
    ' mx.example.com 1; spf=pass',
    '(comment) mx.example.com (another) 1; spf=pass',
    '"mx.example.com"; spf=pass',
    '"mx.ex\\ample.com"; spf=pass',
    'mx.example.com',
    'mx.example.com; ;;; = broken "',
    'mx.example.com;',
    'mx.example.com/1; spf=pass',
    'mx.example.com=x; spf=pass',
    '(no end mx.example.com; spf=pass',
    '"no end mx.example.com; spf=pass',
    'spf=pass mx.example.com; dkim=pass',
    '\0mx.example.com; spf=pass',
    '\u00a0mx.example.com; spf=pass',
    'mx.example.com\u0085; spf=pass',
    '\u3000mx.example.com\u2028; spf=pass',
    '\ufeffmx.example.com; spf=pass',
    'mx.exam\u00adple.com; spf=pass',
    'ｍｘ.example.com; spf=pass',
    '(a;b) mx.example.com; spf=pass',
    'mx(c).example.com; spf=pass',
    '(;) mx.(c(d))example.com 1; spf=pass',
    'mx. example .com 1; spf=pass',
  ])('sees the claim in %j', (value) => {
    expect(claimsAuthservId(value, ours)).toBe(true);
    expect(claimsAuthservId(value, 'MX.example.com.')).toBe(true);
  });

  it.each([
    '',
    ';',
    'mx.example.org; spf=pass',
    'amx.example.com; spf=pass',
    'mx.example.com.evil.example; spf=pass',
    'mx.example.org; spf=pass smtp.helo=mx.example.com',
    'mx.example.org(;); spf=pass smtp.helo=mx.(c)example.com',
    'mx example com; spf=pass',
    'sub.mx.example.com; spf=pass',
  ])('sees none in %j', (value) => {
    expect(claimsAuthservId(value, ours)).toBe(false);
  });

  it('compares international names in both forms', () => {
    expect(claimsAuthservId('xn--bcher-kva.example; none', 'bücher.example')).toBe(true);
    expect(claimsAuthservId('BÜCHER.example; none', 'xn--bcher-kva.example')).toBe(true);
  });

  it('compares names that are no domains', () => {
    expect(claimsAuthservId('"My Server"; none', 'my server')).toBe(true);
    expect(claimsAuthservId('"My Servers"; none', 'my server')).toBe(false);
    expect(claimsAuthservId('"a;b"; none', 'a;b')).toBe(true);
  });

  it('takes a header field as well', () => {
    const field = { name: 'Authentication-Results', raw: new Uint8Array(0), value: 'mx.example.com; none' };
    expect(claimsAuthservId(field, ours)).toBe(true);
  });

  it('throws at nothing, and sees our name as the first word whatever follows', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typeof claimsAuthservId(text, ours)).toBe('boolean');
        expect(claimsAuthservId(`${ours};${text}`, ours)).toBe(true);
        expect(claimsAuthservId(`${ours} ${text}`, ours)).toBe(true);
      }),
    );
  });
});
