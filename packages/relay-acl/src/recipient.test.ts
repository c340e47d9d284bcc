import { mailboxPath, toAsciiDomain } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecipient } from './recipient.ts';

const local64 = 'a'.repeat(64);
const label63 = 'b'.repeat(63);

describe('readRecipient', () => {
  it.each<[string, string, string | undefined]>([
    ['user@example.com', 'example.com', undefined],
    ['User@EXAMPLE.Com', 'example.com', undefined],
    ["!#$&'*+-/=?^_`{|}~@example.com", 'example.com', 'bang-path'],
    ["o'brien+tag=x/y?z@example.com", 'example.com', undefined],
    ['a.b.c@sub.example.com', 'sub.example.com', undefined],
    ['user@bücher.example', 'xn--bcher-kva.example', undefined],
    ['user@xn--bcher-kva.example', 'xn--bcher-kva.example', undefined],
    ['user@ｅｘａｍｐｌｅ。com', 'example.com', undefined],
    ['user@localhost', 'localhost', undefined],
    ['user@win_host.example', 'win_host.example', undefined],
    ['"john doe"@example.com', 'example.com', undefined],
    ['"a\\"b"@example.com', 'example.com', undefined],
    ['""@example.com', 'example.com', undefined],
    ['postmaster@example.com', 'example.com', undefined],
    ['user%victim.example@example.com', 'example.com', 'percent-hack'],
    ['victim.example!user@example.com', 'example.com', 'bang-path'],
    ['a!b%c@example.com', 'example.com', 'bang-path'],
    ['"user@victim.example"@example.com', 'example.com', 'quoted-route'],
    ['"user\\@victim.example"@example.com', 'example.com', 'quoted-route'],
    ['"user%victim.example"@example.com', 'example.com', 'percent-hack'],
    ['"victim!user"@example.com', 'example.com', 'bang-path'],
    ['"@victim.example:user"@example.com', 'example.com', 'quoted-route'],
    ['"node::user"@example.com', 'example.com', 'quoted-route'],
    ['"a%b@c"@example.com', 'example.com', 'quoted-route'],
    [`${local64}@example.com`, 'example.com', undefined],
    [
      `u@${label63}.${label63}.${label63}.${'c'.repeat(60)}`,
      `${label63}.${label63}.${label63}.${'c'.repeat(60)}`,
      undefined,
    ],
  ])('reads %s', (address, domain, trick) => {
    expect(readRecipient(address, false)).toEqual({ kind: 'mailbox', domain, literal: undefined, trick });
  });

  it.each(['postmaster', 'Postmaster', 'POSTMASTER'])('reads %s', (address) => {
    expect(readRecipient(address, false)).toEqual({ kind: 'postmaster' });
  });

  it.each([
    ['user@[192.0.2.1]', '[192.0.2.1]'],
    ['user@[IPv6:2001:DB8:0::1]', '[ipv6:2001:db8::1]'],
    ['user@[IPv6:::ffff:192.0.2.1]', '[192.0.2.1]'],
  ])('reads %s', (address, domain) => {
    expect(readRecipient(address, false)).toMatchObject({
      kind: 'mailbox',
      domain,
      literal: { kind: 'ip', text: domain },
      trick: undefined,
    });
  });

  it.each([
    ['', 'no-recipient'],
    [`${'a'.repeat(255)}`, 'path-too-long'],
    [`u@${'b.'.repeat(150)}example`, 'path-too-long'],
    [`${'x'.repeat(1_000_000)}@example.com`, 'path-too-long'],
    [`${'a'.repeat(60)}@${`${'中ж文яß'.repeat(4)}é.`.repeat(5)}example`, 'path-too-long'],
    [`a${local64}@example.com`, 'local-part-too-long'],
    ['user\0@example.com', 'control-character'],
    ['user@example.com\0', 'control-character'],
    ['user@example.com\r\nRCPT TO:<victim@victim.example>', 'control-character'],
    ['us\ter@example.com', 'control-character'],
    ['"us\x7fer"@example.com', 'control-character'],
    ['"us\\\0er"@example.com', 'control-character'],
    ['"us\\üer"@example.com', 'non-ascii-local-part'],
    ['@example.com:user@victim.example', 'source-route'],
    ['@victim.example:user@example.com', 'source-route'],
    ['@a.example,@b.example:user@example.com', 'source-route'],
    ['@example.com', 'empty-local-part'],
    ['@', 'empty-local-part'],
    ['@@example.com', 'empty-local-part'],
    ['user@victim.example@example.com', 'nested-address'],
    ['user@example.com@victim.example', 'nested-address'],
    ['"user"@victim.example@example.com', 'nested-address'],
    ['user@@example.com', 'nested-address'],
    ['üser@example.com', 'non-ascii-local-part'],
    ['"üser"@example.com', 'non-ascii-local-part'],
    ['user\xa0@example.com', 'non-ascii-local-part'],
    ['user\x85@example.com', 'control-character'],
    ['user＠victim.example@example.com', 'non-ascii-local-part'],
    ['.user@example.com', 'bad-local-part'],
    ['user.@example.com', 'bad-local-part'],
    ['us..er@example.com', 'bad-local-part'],
    ['us er@example.com', 'bad-local-part'],
    ['user(comment)@example.com', 'bad-local-part'],
    ['<user@example.com', 'bad-local-part'],
    ['user:victim@example.com', 'bad-local-part'],
    ['us"er"@example.com', 'bad-local-part'],
    ['"user"x@example.com', 'bad-local-part'],
    ['user\\@example.com', 'bad-local-part'],
    ['"user\\"@example.com', 'bad-local-part'],
    ['user', 'no-domain'],
    ['postmaster1', 'no-domain'],
    ['"user"', 'no-domain'],
    ['victim.example!user', 'bang-path'],
    ['user%victim.example', 'percent-hack'],
    ['"user@victim.example"', 'quoted-route'],
    ['"user@example.com', 'bad-local-part'],
    ['user@', 'bad-domain'],
    ['user@.', 'bad-domain'],
    ['user@example.com.', 'trailing-dot'],
    ['user@example.com..', 'bad-domain'],
    ['user@example.com。', 'trailing-dot'],
    ['user@.example.com', 'bad-domain'],
    ['user@example..com', 'bad-domain'],
    ['user@-example.com', 'bad-domain'],
    ['user@example.com>', 'bad-domain'],
    ['user@exa mple.com', 'bad-domain'],
    ['user@exa%6dple.com', 'bad-domain'],
    ['user@example.com,victim@victim.example', 'nested-address'],
    ['user@example.com/victim', 'bad-domain'],
    ['user@example.com:25', 'bad-domain'],
    ['user@192.0.2.1', 'bad-domain'],
    ['user@0x7f000001', 'bad-domain'],
    ['user@2130706433', 'bad-domain'],
    ['user@#2130706433', 'bad-domain'],
    ['user@victim.example"@example.com', 'nested-address'],
    ['user@[192.0.2.1', 'bad-literal'],
    ['user@[192.0.2.256]', 'bad-literal'],
    ['user@[IPv6:192.0.2.1]', 'bad-literal'],
    ['user@[IPv6:fe80::1%eth0]', 'bad-literal'],
    ['user@[]', 'bad-literal'],
    ['user@[192.0.2.1].example.com', 'bad-literal'],
  ])('finds the fault in %j: %s', (address, reason) => {
    expect(readRecipient(address, false)).toEqual({ kind: 'fault', reason });
  });

  it('takes what a strict grammar takes, and splits it where everyone else would', () => {
    const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    const quoted = '"(?:[ !#-\\[\\]-~]|\\\\[ -~])*"';
    const grammar = new RegExp(`^(${atom}(?:\\.${atom})*|${quoted})@([^@]*[^@.])$`);
    const pieces = [...'aB1.-@"\\\0ü%!:< ', 'b.example', '@x.example', '"@x.example'];
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (address) => {
        const [, localPart = '', domain = ''] = grammar.exec(address) ?? [];
        const expected = localPart.length <= 64 ? toAsciiDomain(domain) : undefined;
        const recipient = readRecipient(address, false);
        expect(recipient.kind === 'mailbox' ? recipient.domain : undefined).toBe(expected);
        if (expected === undefined) return;
        expect(mailboxPath(address)).toMatchObject({ localPart, domain: expected });
        expect(address.lastIndexOf('@')).toBe(localPart.length);
      }),
      { numRuns: 20_000 },
    );
  });
});
