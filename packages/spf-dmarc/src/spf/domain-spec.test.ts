import { parseIp } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandDomainSpec, readDomainSpec } from './domain-spec.ts';
import type { MacroValues } from './spf-macro.ts';

function values(ip: string, more: Partial<MacroValues> = {}): MacroValues {
  return {
    ip: parseIp(ip) ?? expect.fail('no address'),
    // RFC 7208 §7.4.
    sender: 'strong-bad@email.example.com',
    localPart: 'strong-bad',
    senderDomain: 'email.example.com',
    domain: 'email.example.com',
    validatedName: 'mx.example.org',
    helo: 'mail.example.org',
    receiver: 'unknown',
    now: 0,
    ...more,
  };
}

function expand(text: string, given: MacroValues = values('192.0.2.3')): string | undefined {
  const read = readDomainSpec(text);
  return read.ok ? expandDomainSpec(read.spec, given) : expect.fail(read.problem);
}

describe('expandDomainSpec', () => {
  // The examples of RFC 7208 §7.4, the values alone and in names.
  it.each([
    ['%{s}', 'strong-bad@email.example.com'],
    ['%{o}', 'email.example.com'],
    ['%{d}', 'email.example.com'],
    ['%{d4}', 'email.example.com'],
    ['%{d3}', 'email.example.com'],
    ['%{d2}', 'example.com'],
    ['%{d1}', 'com'],
    ['%{dr}', 'com.example.email'],
    ['%{d2r}', 'example.email'],
    ['%{l}', 'strong-bad'],
    ['%{l-}', 'strong.bad'],
    ['%{lr}', 'strong-bad'],
    ['%{lr-}', 'bad.strong'],
    ['%{l1r-}', 'strong'],
    ['%{ir}.%{v}._spf.%{d2}', '3.2.0.192.in-addr._spf.example.com'],
    ['%{lr-}.lp._spf.%{d2}', 'bad.strong.lp._spf.example.com'],
    ['%{lr-}.lp.%{ir}.%{v}._spf.%{d2}', 'bad.strong.lp.3.2.0.192.in-addr._spf.example.com'],
    ['%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}', '3.2.0.192.in-addr.strong.lp._spf.example.com'],
    ['%{d2}.trusted-domains.example.net', 'example.com.trusted-domains.example.net'],
    ['%{p}.%{h}', 'mx.example.org.mail.example.org'],
    ['A.Example.', 'a.example'],
    ['%%%_%-.a.example', '% %20.a.example'],
    ['%{d999999999999999999999}', 'email.example.com'],
  ])('%s is %s', (text, name) => expect(expand(text)).toBe(name));

  it('writes IPv6 addresses as nibbles', () => {
    expect(expand('%{ir}.%{v}._spf.%{d2}', values('2001:db8::cb01'))).toBe(
      '1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com',
    );
  });

  it('escapes for capital letters', () => {
    const given = values('192.0.2.3', { localPart: "~a!'()*/ü.b" });
    expect(expand('%{L}.example', given)).toBe('~a%21%27%28%29%2a%2f%c3%bc.b.example');
  });

  it('cuts from the left, by labels, to 253 characters', () => {
    const given = values('192.0.2.3', { domain: `${'abcdefghi.'.repeat(20)}example` });
    const name = expand('first.%{d}.%{d}', given);
    expect(`first.${given.domain}.${given.domain}`.endsWith(`.${name}`)).toBe(true);
    expect(name?.length).toBe(245);
  });

  it.each(['a..example', `${'a'.repeat(64)}.example`, `${'a'.repeat(300)}%%`])('asks nothing for %s', (text) => {
    expect(expand(text)).toBeUndefined();
  });

  it('does no more work than what comes out, whatever the macros', () => {
    const given = values('192.0.2.3', { localPart: `${'a+'.repeat(200)}`, sender: `${'a+'.repeat(200)}@example.com` });
    expect(expand(`${'%{l1+}'.repeat(10_000)}%{d}`, given)).toBe('email.example.com');
    expect(expand(`${'%{s}'.repeat(10_000)}.example`, given)).toBe('com.example');
  });

  it('agrees with splitting, reversing and joining', () => {
    const local = fc.array(fc.constantFrom('a', 'b', '-', '+', '.', '_')).map((parts) => parts.join('') || 'x');
    const delimiters = fc.constantFrom('', '-', '+', '.-', '+_.');
    fc.assert(
      fc.property(local, fc.nat(5), fc.boolean(), delimiters, (localPart, keep, reverse, split) => {
        const parts = localPart.split(new RegExp(`[${split.replace('-', '\\-') || '.'}]`));
        if (reverse) parts.reverse();
        const name = [...parts.slice(keep === 0 ? 0 : -keep), 'example'].join('.');
        const text = `%{l${keep || ''}${reverse ? 'r' : ''}${split}}.example`;
        const valid = name.split('.').every((label) => label !== '');
        expect(expand(text, values('192.0.2.3', { localPart }))).toBe(valid ? name : undefined);
      }),
    );
  });
});
