import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddressLiteral } from './address-literal.ts';

describe('parseAddressLiteral', () => {
  it.each([
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['[ipv6:2001:db8:0:0::1]', '[ipv6:2001:db8::1]'],
    ['[IPv6:2001:DB8::1]', '[ipv6:2001:db8::1]'],
    ['[IPv6:::ffff:192.0.2.1]', '[192.0.2.1]'],
    ['[IPv6:::FFFF:c000:201]', '[192.0.2.1]'],
  ])('%s is the IP address %s', (text, canonical) => {
    expect(parseAddressLiteral(text)).toMatchObject({ kind: 'ip', text: canonical });
    expect(parseAddressLiteral(canonical)).toEqual(parseAddressLiteral(text));
  });

  it.each([
    ['[X400:C=de;A=Example]', 'x400', '[x400:c=de;a=example]'],
    // To the grammar the first group is a tag.
    ['[2001:db8::1]', '2001', '[2001:db8::1]'],
    ['[a-b:>]', 'a-b', '[a-b:>]'],
  ])('%s is a literal of the kind %s', (text, tag, lower) => {
    expect(parseAddressLiteral(text)).toEqual({ kind: 'general', tag, text: lower });
  });

  it.each([
    '192.0.2.1',
    '[192.0.2.1] ',
    '[ 192.0.2.1]',
    '[192.0.2.1/24]',
    '[192.0.2.256]',
    '[0x7f.0.0.1]',
    '[[192.0.2.1]]',
    '[IPv6:192.0.2.1]',
    '[IPv6:fe80::1%eth0]',
    '[IPv6:]',
    '[tag:]',
    '[:content]',
    '[-:content]',
    '[tag-:content]',
    '[tag:with space]',
    '[tag:back\\slash]',
    '[tag:[nested]',
    '[tag:ünicode]',
    '[tag:nul\0]',
    `[tag:${'x'.repeat(300)}]`,
    '[]',
    '[',
    ']',
    '',
  ])('%j is none', (text) => {
    expect(parseAddressLiteral(text)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseAddressLiteral(`[${text}]`)?.text.startsWith('[') ?? true).toBe(true);
      }),
    );
  });
});
