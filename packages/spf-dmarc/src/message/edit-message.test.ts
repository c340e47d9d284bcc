import type { HeaderEdit } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { editMessage } from './edit-message.ts';

function edited(message: string, ...edits: readonly HeaderEdit[]): string | undefined {
  return editMessage(Buffer.from(message, 'latin1'), edits)?.toString('latin1');
}

describe('editMessage', () => {
  it('adds on top in order, removes by name and by place, and leaves the rest as it is', () => {
    const message = 'A: 1\r\nB : 2\n\tfolded \xff\r\na: 3\r\nC: 4\r\n\r\nA: body\r\n';
    expect(
      edited(
        message,
        { action: 'remove', name: 'A', index: 1 },
        { action: 'add', name: 'X', value: 'one' },
        { action: 'remove', name: 'c' },
        { action: 'add', name: 'Y', value: 'two\r\nSubject: three' },
        { action: 'remove', name: 'B', index: 7 },
      ),
    ).toBe('X: one\r\nY: two Subject: three\r\nA: 1\r\nB : 2\n\tfolded \xff\r\n\r\nA: body\r\n');
  });

  it.each([
    ['A: 1', 'X: y\r\nA: 1\r\n\r\n'],
    ['A: 1\r\n', 'X: y\r\nA: 1\r\n\r\n'],
    ['', 'X: y\r\n\r\n'],
    ['\r\nbody', 'X: y\r\n\r\nbody'],
    ['A: 1\r\nno field\r\n', 'X: y\r\nA: 1\r\n\r\nno field\r\n'],
  ])('gives %j an end of its header', (message, whole) => {
    expect(edited(message, { action: 'add', name: 'X', value: 'y' })).toBe(whole);
  });

  it('edits no header that goes beyond its bounds', () => {
    expect(edited(`A: ${'x'.repeat(300_000)}\r\n\r\n`)).toBeUndefined();
    expect(edited('A: b\r\n'.repeat(1_001))).toBeUndefined();
  });
});
