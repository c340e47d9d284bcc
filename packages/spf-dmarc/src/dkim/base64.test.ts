import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from './base64.ts';

describe('decodeBase64', () => {
  it.each(['A', 'AAAAA', 'AA=', 'AAA==', 'AAAA=', 'AA==AA', '=', 'AA-_', 'AA==\0', 'AÄ=='])('refuses %j', (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });

  it.each([
    ['', ''],
    ['aGk=', 'hi'],
    ['aGk', 'hi'],
    [' a\r\n\tG k = ', 'hi'],
    ['aA==', 'h'],
    ['aA', 'h'],
  ])('reads %j', (text, bytes) => {
    expect(Buffer.from(decodeBase64(text) ?? [0]).toString()).toBe(bytes);
  });

  it('reads what was written, wherever white space got in', () => {
    const space = fc.constantFrom('', ' ', '\t', '\r\n ');
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(space, { minLength: 90, maxLength: 90 }),
        (bytes, spaces) => {
          const text = [...Buffer.from(bytes).toString('base64')].map((letter, at) => letter + spaces[at]).join('');
          expect(Buffer.from(decodeBase64(text) ?? [])).toEqual(Buffer.from(bytes));
        },
      ),
    );
  });
});
