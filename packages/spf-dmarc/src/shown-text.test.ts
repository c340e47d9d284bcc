import { describe, expect, it } from 'vitest';
import { shownText } from './shown-text.ts';

describe('shownText', () => {
  it.each([
    ['v=spf1 -all', 'v=spf1 -all'],
    ['\x1b[31mred\x07', '\\x1b[31mred\\x07'],
    ['\0\x7f\xff', '\\x00\\x7f\\xff'],
    ['a\r\nb', 'a\\x0d\\x0ab'],
  ])('writes %j', (text, shown) => {
    expect(shownText(text)).toBe(shown);
  });

  it('cuts what is long', () => {
    expect(shownText('x'.repeat(200), 10)).toBe('xxxxxxx...');
    expect(shownText('x'.repeat(10), 10)).toBe('xxxxxxxxxx');
    expect(shownText('x'.repeat(1_000_000))).toHaveLength(120);
  });
});
