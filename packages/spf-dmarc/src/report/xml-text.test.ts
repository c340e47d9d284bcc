import { describe, expect, it } from 'vitest';
import { XmlText } from './xml-text.ts';

describe('XmlText', () => {
  it('cuts between characters, and makes one line of several', () => {
    const text = new XmlText();
    expect(text.of('ab\u{1f600}\u{1f600}', 4)).toBe('ab\u2026');
    expect(text.of('ab\u{1f600}', 4)).toBe('ab\u{1f600}');
    expect(text.of(' a\r\n\tb ', 10)).toBe('a b');
    expect(text.replaced).toBe(0);
  });

  it('replaces what XML cannot hold, and counts it', () => {
    const text = new XmlText();
    expect(text.of('a\0\ud800b\uffff', 10)).toBe('a\ufffd\ufffdb\ufffd');
    expect(text.replaced).toBe(3);
  });
});
