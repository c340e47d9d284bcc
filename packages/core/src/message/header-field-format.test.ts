import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHeaderField } from './header-field-format.ts';
import { HeaderParser } from './header-parser.ts';

/** What a reader finds in a header that consists of this field. */
function readBack(field: string): (readonly [string, string])[] {
  const state = new HeaderParser({ maxHeaderBytes: 1_000_000 }).write(Buffer.from(`${field}\r\nbody`));
  if (state.kind !== 'complete' || !state.separator) throw new Error('not one header');
  expect(Buffer.from(state.rest).toString()).toBe('body');
  return state.header.fields.map((each) => [each.name, each.value] as const);
}

describe('formatHeaderField', () => {
  it('writes name, value and CRLF', () => {
    expect(formatHeaderField('Subject', ' hello  world\t')).toBe('Subject: hello  world\r\n');
    expect(formatHeaderField('X-Empty', '')).toBe('X-Empty:\r\n');
    expect(formatHeaderField('X-Blank', ' \r\n\t\r\n ')).toBe('X-Blank:\r\n');
  });

  it.each(['', 'a b', 'a:', 'a\r\nb', 'ä'])('refuses the name %j', (name) => {
    expect(() => formatHeaderField(name, 'x')).toThrow(TypeError);
  });

  it.each([
    ['a line break', 'a\r\nBcc: x', 'a Bcc: x'],
    ['a bare CR and a bare LF', 'a\rb\nc', 'a b c'],
    ['the end of the header', 'a\r\n\r\nbody', 'a  body'],
    ['a bare LF before white space', 'a\n b', 'a  b'],
    ['a fold with nothing in it', 'a\r\n \r\n b', 'a b'],
    ['NUL and others', 'a\0b\u007fc\u0008d', 'a b c d'],
  ])('makes %s harmless', (_, value, expected) => {
    expect(readBack(formatHeaderField('X', value))).toEqual([['X', expected]]);
  });

  it('folds at white space where a line would pass 78 octets', () => {
    const field = formatHeaderField('X-Words', Array.from({ length: 40 }, (_, index) => `word${index}`).join(' '));
    const lines = field.trimEnd().split('\r\n');
    expect(lines.length).toBe(4);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(78);
    expect(field.replaceAll('\r\n', '')).toBe(
      `X-Words: ${Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ')}`,
    );
  });

  it('leaves a word whole until 998 octets, and the name on the line of the first word', () => {
    const word = 'x'.repeat(900);
    expect(formatHeaderField('X', word)).toBe(`X: ${word}\r\n`);
    expect(formatHeaderField('X', `a ${word} b`)).toBe(`X: a\r\n ${word}\r\n b\r\n`);
  });

  it('breaks a word that no line can hold', () => {
    const field = formatHeaderField('X', 'ü'.repeat(1_000));
    for (const line of field.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(998);
    expect(field.replaceAll('\r\n ', '')).toBe(`X: ${'ü'.repeat(1_000)}\r\n`);
  });

  it('keeps the lines of a folded value', () => {
    const value = `v=1; h=From:To;\r\n\tb=${'A'.repeat(120)}\r\n\t ${'B'.repeat(20)}`;
    expect(formatHeaderField('DKIM-Signature', value)).toBe(`DKIM-Signature: ${value}\r\n`);
  });

  it('is one field whatever the value', () => {
    const piece = fc.constantFrom(
      '\r\n',
      '\r',
      '\n',
      ' ',
      '\t',
      ':',
      'word',
      'ü',
      '📬',
      '\0',
      '\ud800',
      'x'.repeat(500),
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(value, (text) => {
        const field = formatHeaderField('X-Any', text);
        expect(readBack(field).map(([name]) => name)).toEqual(['X-Any']);
        expect(field).toMatch(/^X-Any:[^\0]*\r\n$/);
        expect(/\r(?!\n)|[^\r]\n/.test(field)).toBe(false);
        for (const line of field.split('\r\n').slice(0, -1)) {
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(998);
          expect(line.trim()).not.toBe('');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives back a value of words', () => {
    const words = fc.array(fc.stringMatching(/^[!-~ü]{1,30}$/), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(words, (list) => {
        expect(readBack(formatHeaderField('X', list.join(' ')))).toEqual([['X', list.join(' ')]]);
      }),
    );
  });
});
