import { formatCidr } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prefixText } from './prefix-text.ts';

describe('prefixText', () => {
  it('says the same as formatCidr', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(32), (word3, prefixLength) => {
        const network = { family: 4, word0: 0, word1: 0, word2: 0xffff, word3 } as const;
        expect(prefixText(word3, prefixLength)).toBe(formatCidr({ network, prefixLength }));
      }),
      {
        examples: [
          [0, 0],
          [0xffffffff, 32],
          [0x0a00ff01, 9],
        ],
      },
    );
  });
});
