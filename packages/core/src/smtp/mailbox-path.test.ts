import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mailboxPath } from './mailbox-path.ts';

describe('mailboxPath', () => {
  it.each([
    ['', '', ''],
    ['postmaster', 'postmaster', ''],
    ['Postmaster', 'Postmaster', ''],
    ['User@Example.COM', 'User', 'example.com'],
    ['user@example.com.', 'user', 'example.com'],
    ['user@bücher.example', 'user', 'xn--bcher-kva.example'],
    ['user@win_host.example.', 'user', 'win_host.example'],
    ['user@[192.0.2.1]', 'user', '[192.0.2.1]'],
    ['user@[IPv6:2001:DB8::1]', 'user', '[ipv6:2001:db8::1]'],
    ['user@192.0.2.1', 'user', '192.0.2.1'],
    ['user@exa%6Dple.com', 'user', 'exa%6dple.com'],
    ['user@', 'user', ''],
    ['@example.com', '', 'example.com'],
    // Relay tricks: what decides is the last `@` that is not quoted.
    ['victim@foreign.example@example.com', 'victim@foreign.example', 'example.com'],
    ['victim%foreign.example@example.com', 'victim%foreign.example', 'example.com'],
    ['"victim@foreign.example"@example.com', '"victim@foreign.example"', 'example.com'],
    ['"user@example.com"@foreign.example', '"user@example.com"', 'foreign.example'],
    ['"a\\"@b"@example.com', '"a\\"@b"', 'example.com'],
    ['"a\\\\"@example.com', '"a\\\\"', 'example.com'],
    ['a\\"b@example.com', 'a\\"b@example.com', ''],
    ['"user@example.com', '"user@example.com', ''],
    ['"user@example.com\\', '"user@example.com\\', ''],
    ['@relay.example:user@example.com', '@relay.example:user', 'example.com'],
  ])('splits %s', (address, localPart, domain) => {
    expect(mailboxPath(address)).toEqual({ address, localPart, domain, parameters: {} });
  });

  it('hands the parameters on', () => {
    expect(mailboxPath('user@example.com', { SIZE: '1000', SMTPUTF8: true }).parameters).toEqual({
      SIZE: '1000',
      SMTPUTF8: true,
    });
  });

  it('keeps the local part as written, and the domain without capitals or final dot, of any text', () => {
    const anyAddress = fc.oneof(fc.emailAddress(), fc.string({ unit: fc.constantFrom(...'ab@@"".\\[]%ÄZ ') }));
    fc.assert(
      fc.property(anyAddress, (address) => {
        const path = mailboxPath(address);
        expect(address.startsWith(path.localPart)).toBe(true);
        if (path.localPart.length < address.length) expect(address[path.localPart.length]).toBe('@');
        expect(path.domain).toBe(path.domain.toLowerCase());
        expect(path.localPart.length + path.domain.length === 0).toBe(address === '' || address === '@');
      }),
    );
  });
});
