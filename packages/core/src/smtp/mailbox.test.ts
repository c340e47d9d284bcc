import { describe, expect, it } from 'vitest';
import { readMailbox } from './mailbox.ts';

describe('readMailbox', () => {
  it.each([
    ['ann@example.com', 'ann', 'example.com'],
    ['Ann@EXAMPLE.com', 'Ann', 'example.com'],
    ['"ann"@example.com', 'ann', 'example.com'],
    ['"a\\"b\\@c@d"@example.com', 'a"b@c@d', 'example.com'],
    ['""@example.com', '', 'example.com'],
    ['dörte@bücher.example', 'dörte', 'xn--bcher-kva.example'],
    ['ann@[IPv6:2001:DB8::1]', 'ann', '[ipv6:2001:db8::1]'],
  ])('reads %s', (address, localPart, domain) => {
    expect(readMailbox(address)).toEqual({ localPart, domain });
  });

  it.each([
    '',
    'ann',
    'ann@',
    '@example.com',
    'ann@b@example.com',
    '.ann@example.com',
    'ann.@example.com',
    'a..n@example.com',
    'a n@example.com',
    '"ann@example.com',
    '"an"n@example.com',
    '"a\tb"@example.com',
    '"a\0b"@example.com',
    '"a\\\0b"@example.com',
    'a\0b@example.com',
    'ann@exam ple.com',
    'ann@[192.0.2.1',
    '<ann@example.com>',
    'ann@example.com\r\n',
  ])('does not read %j', (address) => {
    expect(readMailbox(address)).toBeUndefined();
  });
});
