import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineFeedNormalizer } from './line-feed-normalizer.ts';

describe('LineFeedNormalizer', () => {
  it('passes a chunk without a bare LF as it is', () => {
    const normalizer = new LineFeedNormalizer();
    for (const text of ['a\r\nb\r', '\nc', '', '\rd']) {
      const chunk = Buffer.from(text);
      expect(normalizer.write(chunk)).toBe(chunk);
    }
  });

  it('makes CRLF of each bare LF, wherever the chunks are cut', () => {
    const text = fc
      .array(fc.constantFrom('\r\n', '\n', '\r', 'a', '\xe9'), { maxLength: 12 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(24), { maxLength: 5 }), (letters, cuts) => {
        const normalizer = new LineFeedNormalizer();
        const ends = [...cuts.map((cut) => Math.min(cut, letters.length)), letters.length].sort((a, b) => a - b);
        const parts = ends.map((end, at) =>
          normalizer.write(Buffer.from(letters.slice(ends[at - 1] ?? 0, end), 'latin1')),
        );
        expect(Buffer.concat(parts).toString('latin1')).toBe(letters.replace(/\r?\n/g, '\r\n'));
      }),
    );
  });
});
