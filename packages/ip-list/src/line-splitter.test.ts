import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

/** The lines of the pieces, and `!reason` for a line that was not read; in the order of their numbers. */
function split(pieces: readonly (string | Uint8Array)[], maxLength = 1_000): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(
    {
      line(text, number) {
        expect(number).toBe(lines.length + 1);
        lines.push(text);
      },
      badLine(reason, number) {
        expect(number).toBe(lines.length + 1);
        lines.push(`!${reason}`);
      },
    },
    maxLength,
  );
  for (const piece of pieces) splitter.push(piece);
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  it('ends lines at LF, CR LF and CR', () => {
    expect(split(['a\nb\r\nc\rd\r\r\n\ne'])).toEqual(['a', 'b', 'c', 'd', '', '', 'e']);
    expect(split(['a\n'])).toEqual(['a']);
    expect(split([])).toEqual([]);
    expect(split(['\n'])).toEqual(['']);
  });

  it('takes CR LF for one end when a piece ends between them', () => {
    expect(split(['a\r', '\nb\r', 'c'])).toEqual(['a', 'b', 'c']);
    expect(split(['a\r', '', '\nb'])).toEqual(['a', 'b']);
  });

  it('leaves a byte order mark out, at the start only', () => {
    expect(split([Buffer.from('\ufeffa\n\ufeffb')])).toEqual(['a', '\ufeffb']);
    expect(split(['\ufeff', 'a'])).toEqual(['a']);
  });

  it('reads UTF-8 that is cut anywhere, and marks what is none', () => {
    const bytes = Buffer.from('bücher\n€\n');
    expect(split([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(['bücher', '€']);
    expect(split([Uint8Array.of(0x61, 0xff, 0x0a, 0xe2, 0x82)])).toEqual(['a\ufffd', '\ufffd']);
  });

  it('does not read lines that are too long, and those behind them', () => {
    expect(split(['12345\n123456\n1'], 5)).toEqual(['12345', '!line-too-long', '1']);
    expect(split(['123', '456', '789\nok\n12345', '6'], 5)).toEqual(['!line-too-long', 'ok', '!line-too-long']);
  });

  it('does not read lines with NUL', () => {
    expect(split(['a\nb\0\nc', 'd\0', '\ne'])).toEqual(['a', '!nul', '!nul', 'e']);
  });

  it('gives the same lines however the text is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ü', '\n', '\r', '\0', '1234'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), (whole, sizes) => {
        const bytes = Buffer.from(whole);
        const pieces: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        const expected = whole.split(/\r\n|\r|\n/).map((line) => {
          if (line.length > 9) return '!line-too-long';
          return line.includes('\0') ? '!nul' : line;
        });
        // What follows the last end of a line is one only when it is something.
        if (expected.at(-1) === '') expected.pop();
        expect(split(pieces, 9)).toEqual(expected);
        expect(split([whole], 9)).toEqual(expected);
      }),
    );
  });
});
