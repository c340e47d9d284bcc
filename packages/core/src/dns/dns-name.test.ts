import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toDnsName } from './dns-name.ts';

const label = 'a'.repeat(63);
const longest = `${label}.${label}.${label}.${'a'.repeat(61)}`;

describe('toDnsName', () => {
  it.each([
    ['example.com', 'example.com'],
    ['Example.COM.', 'example.com'],
    ['', ''],
    ['.', ''],
    ['com', 'com'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['0/25.2.0.192.in-addr.arpa', '0/25.2.0.192.in-addr.arpa'],
    ['*.example.com', '*.example.com'],
    ['a  B.example', 'a  b.example'],
    [`${label}.`, label],
    [longest, longest],
    [`${longest}.`, longest],
  ])('takes %j', (text, name) => {
    expect(toDnsName(text)).toBe(name);
  });

  it.each([
    '..',
    'a..b',
    '.a',
    'a.b..',
    'a\tb',
    'a\0b.example',
    'a\\.b',
    'a\x7fb',
    'bücher.example',
    '\u212a.example', // the Kelvin sign: not a "k"
    `${label}a`,
    `${label}a.example`,
    `${longest}a`,
  ])('refuses %j', (text) => {
    expect(toDnsName(text)).toBeUndefined();
  });

  it('changes nothing in a name that it gave, and only case and the trailing dot in one that it took', () => {
    const piece = fc.constantFrom('a', 'B', '.', '-', '_', '7', ' ', '\\', 'é', label);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          const name = toDnsName(text);
          if (name === undefined) return;
          expect(toDnsName(name)).toBe(name);
          expect([name, `${name}.`]).toContain(text.toLowerCase());
          expect(name.length).toBeLessThanOrEqual(253);
          expect(name === '' || name.split('.').every((each) => each.length >= 1 && each.length <= 63)).toBe(true);
        },
      ),
    );
  });
});
