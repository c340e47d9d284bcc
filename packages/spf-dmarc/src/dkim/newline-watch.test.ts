import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BareNewline, NewlineWatch } from './newline-watch.ts';

function found(text: string, lineFeeds: boolean, cuts: readonly number[] = []): BareNewline | undefined {
  const watch = new NewlineWatch(lineFeeds);
  const ends = [...cuts, text.length].sort((a, b) => a - b);
  for (const [at, end] of ends.entries()) watch.write(Buffer.from(text.slice(ends[at - 1] ?? 0, end), 'latin1'));
  watch.end();
  return watch.found;
}

/** What stands first in the text. */
function plainly(text: string, lineFeeds: boolean): BareNewline | undefined {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\r' && text[at + 1] !== '\n') return 'bare-carriage-return';
    if (lineFeeds && text[at] === '\n' && text[at - 1] !== '\r') return 'bare-line-feed';
  }
  return undefined;
}

describe('NewlineWatch', () => {
  it.each([
    ['', undefined],
    ['a\r\nb\r\n', undefined],
    ['\n', 'bare-line-feed'],
    ['\r', 'bare-carriage-return'],
    ['\n\r', 'bare-line-feed'],
    ['\r\n\n', 'bare-line-feed'],
    ['\r\r\n', 'bare-carriage-return'],
    ['a\r\nb\rc\nd', 'bare-carriage-return'],
  ])('%j: %j', (text, expected) => {
    expect(found(text, true)).toBe(expected);
  });

  it('finds what stands first, wherever the chunks are cut', () => {
    const text = fc
      .array(fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', 'a\r\n', 'text \0', '\xff\x0b\x0e'), { maxLength: 16 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(text, fc.boolean(), fc.array(fc.nat(60), { maxLength: 4 }), (letters, lineFeeds, cuts) => {
        const inside = cuts.map((cut) => Math.min(cut, letters.length));
        expect(found(letters, lineFeeds, inside)).toBe(plainly(letters, lineFeeds));
      }),
    );
  });
});
