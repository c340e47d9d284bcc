import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readChange, readEntry, writeEntry } from './ban-text.ts';

describe('the text of a ban', () => {
  it('is read as it was written, with the defaults', () => {
    expect(readEntry(writeEntry({}))).toEqual({ action: 'block', reason: '', source: '' });
    const entry = { action: 'allow', reason: 'r\n', source: 's', expiresAt: 5, evidence: { a: [1, null] } } as const;
    expect(readEntry(writeEntry(entry))).toEqual(entry);
    expect(() => writeEntry({ reason: 'x'.repeat(16_384) })).toThrow(RangeError);
  });

  it('that is none gives nothing', () => {
    const right = { action: 'block', reason: '', source: '' };
    const wrong = [{ action: 'x' }, { reason: 1 }, { source: null }, { expiresAt: '1' }, { evidence: [] }];
    for (const part of wrong) expect(readEntry(JSON.stringify({ ...right, ...part }))).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readEntry(`x${text}`)).toBeUndefined();
      }),
    );
  });
});

describe('a change', () => {
  it('is four lines', () => {
    const entry = writeEntry({ reason: 'two\nlines' });
    expect(readChange(Buffer.from(`e\n7\n192.0.2.1/32\n${entry}`))).toEqual({
      epoch: 'e',
      version: 7,
      key: '192.0.2.1/32',
      entry,
    });
    expect(readChange(Buffer.from('e\n8\nk\n'))).toMatchObject({ version: 8, entry: '' });
  });

  it('that is none gives nothing', () => {
    for (const text of ['', 'e\n1\nk', 'e\n0\nk\n', 'e\n1.5\nk\n', 'e\nx\nk\n', 'e\n1\n\n', 'e\n1\nk\na\nb']) {
      expect(readChange(Buffer.from(text)), text).toBeUndefined();
    }
    expect(readChange(Buffer.alloc(20_000))).toBeUndefined();
  });
});
