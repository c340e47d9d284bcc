import { describe, expect, it } from 'vitest';
import { keyRecordName } from './key-record-name.ts';

describe('keyRecordName', () => {
  it.each([
    ['S2026', 's2026._domainkey.example.com'],
    ['2026', '2026._domainkey.example.com'],
    ['a.b-c', 'a.b-c._domainkey.example.com'],
    ['_a_b', '_a_b._domainkey.example.com'],
  ])('%j', (selector, name) => {
    expect(keyRecordName(selector, 'example.com')).toBe(name);
  });

  it.each(['', '.', 'a.', 'a..b', '-a', 'a-', 'a b', 'a;b', 'a\r\n', 'ä', 'x'.repeat(64), `${'x.'.repeat(120)}x`])(
    'refuses %j',
    (selector) => {
      expect(keyRecordName(selector, 'example.com')).toBeUndefined();
    },
  );
});
