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

  it('refuses what RFC 4648 §4 does not have, whatever stands around it', () => {
    const letters = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
    const unit = fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...'AZaz09+/') },
      { weight: 2, arbitrary: fc.constantFrom(...'=-_.,*\0\u007f\u00c1\u0141\u{1f600}') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 12 }), fc.constantFrom('', '=', '==', '==='), (units, padding) => {
        const text = units.join('') + padding;
        expect(decodeBase64(text) !== undefined).toBe(letters.test(text.replace(/[\t\n\r ]/g, '')));
      }),
      { numRuns: 2_000 },
    );
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
