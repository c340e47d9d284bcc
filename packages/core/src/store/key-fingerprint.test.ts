import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyFingerprint } from './key-fingerprint.ts';

function textOf(fingerprint: KeyFingerprint, key: string, scope: number = 0): string {
  fingerprint.take(key, scope);
  const { word0, word1, word2, word3 } = fingerprint;
  return [word0, word1, word2, word3].join(' ');
}

it('is the same for the same key, whatever was asked between', () => {
  const fingerprint = new KeyFingerprint();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.nat(1_000), (one, other, scope) => {
      const first = textOf(fingerprint, one, scope);
      textOf(fingerprint, one, scope + 1);
      textOf(fingerprint, other, scope);
      expect(textOf(fingerprint, one, scope)).toBe(first);
      expect(textOf(fingerprint, other, scope) === first).toBe(one === other);
      expect(textOf(fingerprint, one, scope + 1)).not.toBe(first);
    }),
  );
});

it('tells keys apart that differ in length, in NULs, in one bit and in half a character', () => {
  const fingerprint = new KeyFingerprint();
  const keys = [
    '',
    '\0',
    '\0\0',
    '\0\0\0',
    'a',
    'a\0',
    'a\0\0',
    'b',
    'ab',
    'ba',
    'aab',
    'aba',
    '\ud800',
    '\udc00',
    'ā',
    '\x01\x01',
    '\x01\0',
    'abc',
    'abcd',
    'abcde',
    'abcdā',
    'abcd\x01\x01',
    'a\0b\0',
    'ab\0\0',
  ];
  keys.push('x'.repeat(65_535), 'x'.repeat(65_536), 'x'.repeat(65_537), 'x'.repeat(131_072));
  for (let bit = 0; bit < 16; bit++) keys.push(`pre${String.fromCharCode(0x100 ^ (1 << bit))}fix`);
  expect(new Set(keys.map((key) => textOf(fingerprint, key))).size).toBe(new Set(keys).size);
});

it('has no two equal words among many keys more often than chance has', () => {
  const fingerprint = new KeyFingerprint();
  const seen = [new Set<number>(), new Set<number>(), new Set<number>(), new Set<number>()];
  const count = 20_000;
  for (let index = 0; index < count; index++) {
    fingerprint.take(`192.0.2.${index}`, index & 3);
    seen[0]?.add(fingerprint.word0);
    seen[1]?.add(fingerprint.word1);
    seen[2]?.add(fingerprint.word2);
    seen[3]?.add(fingerprint.word3);
  }
  // 20,000² ÷ 2^33 = 0.05 pairs are expected; ten are seen once in 10^20 runs.
  for (const words of seen) expect(words.size).toBeGreaterThan(count - 10);
});

it('is another one in every table', () => {
  expect(textOf(new KeyFingerprint(), 'a')).not.toBe(textOf(new KeyFingerprint(), 'a'));
});
