import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listingText } from './listing-text.ts';

describe('listingText', () => {
  it.each([
    ['Spam source, see https://bl.example.com/', 'Spam source, see https://bl.example.com/'],
    ['line\r\n250 2.0.0 OK\0', 'line  250 2.0.0 OK'],
    ['\u001b[31mred\u007f', '[31mred'],
    ['gr\xc3\xbc\xc3\x9fe', 'gr????e'],
    ['x'.repeat(65_535), 'x'.repeat(500)],
    ['', ''],
    ['\n\n', ''],
  ])('%j becomes %j', (text, expected) => {
    expect(listingText(text, undefined)).toBe(expected);
  });

  it('blots out the query key, in whatever case the list repeats it', () => {
    expect(listingText('see 1.2.0.192.SeCret1.bl.example and secret1', 'secret1')).toBe(
      'see 1.2.0.192.[key].bl.example and [key]',
    );
  });

  it('is one line of printable ASCII without the key, whatever the list sends', () => {
    const key = 'abc';
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', 'İ', '\n', '\xff', ' '), maxLength: 1_500 });
    fc.assert(
      fc.property(text, (hostile) => {
        const shown = listingText(hostile, key);
        expect(shown).toMatch(/^[ -~]{0,500}$/);
        expect(shown.toLowerCase()).not.toContain(key);
      }),
    );
  });
});
