import { mailboxPath, OptionReader } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrapAddresses } from './trap-addresses.ts';

function traps(...addresses: readonly string[]): TrapAddresses {
  return new TrapAddresses(new OptionReader('test', { addresses }));
}

describe('TrapAddresses', () => {
  it.each([
    ['trap@example.com', 'trap@example.com'],
    ['Trap@Example.com', 'TRAP@example.COM.'],
    ['trap@example.com', '"trap"@example.com'],
    ['trap@example.com', '"tr\\ap"@example.com'],
    ['*@example.com', 'anything@example.com'],
    ['*@example.com', '""@example.com'],
    ['list-*@example.com', 'list-2009@example.com'],
    ['list-*@example.com', 'List-@example.com'],
    ['*-list@example.com', 'a-list@example.com'],
    ['a*z@example.com', 'abcz@example.com'],
    ['trap@bücher.example', 'trap@xn--bcher-kva.example'],
  ])('%s is a trap for %s', (pattern, address) => {
    expect(traps('other@example.com', pattern).match(mailboxPath(address))).toBe(pattern);
  });

  it.each([
    ['trap@example.com', 'trap2@example.com'],
    ['trap@example.com', 'trap@sub.example.com'],
    ['trap@example.com', 'trap'],
    ['list-*@example.com', 'list@example.com'],
    ['ab*ba@example.com', 'aba@example.com'],
    ['*@example.com', 'postmaster@example.com'],
    ['*@example.com', '"Post\\master"@example.com'],
    ['*@example.com', ''],
  ])('%s is none for %s', (pattern, address) => {
    expect(traps(pattern).match(mailboxPath(address))).toBeUndefined();
  });

  it.each(['', 'trap', '@example.com', 'a*b*c@example.com', 'trap@*.example.com', '*@*', 'Postmaster@example.com'])(
    'refuses the pattern %j',
    (pattern) => {
      expect(() => traps(pattern)).toThrow(/option "addresses" must be a list of addresses/);
    },
  );

  it('is not empty', () => {
    expect(() => traps()).toThrow(TypeError);
  });

  it('matches as a regular expression would', () => {
    const piece = fc.stringMatching(/^[ab]{0,3}$/);
    fc.assert(
      fc.property(piece, piece, fc.stringMatching(/^[ab]{1,8}$/), (prefix, suffix, localPart) => {
        const matched = traps(`${prefix}*${suffix}@example.com`).match(mailboxPath(`${localPart}@example.com`));
        expect(matched !== undefined).toBe(new RegExp(`^${prefix}[^]*${suffix}$`).test(localPart));
      }),
    );
  });
});
