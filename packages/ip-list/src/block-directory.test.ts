import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockDirectory } from './block-directory.ts';

const word = fc.oneof(fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff));
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('insert' as const), word }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'move' as const), word }) },
);

/** How many of the words are lower, which is the rank where one equal to it belongs. */
function rankOf(firsts: readonly number[], value: number): number {
  return firsts.filter((each) => each < value).length;
}

function expectSame(directory: BlockDirectory, firsts: readonly number[], asked: readonly number[]): void {
  expect([...directory.firsts.subarray(0, directory.ranks)]).toEqual(firsts);
  const blocks = firsts.map((_, rank) => directory.blockAt(rank));
  expect(new Set(blocks).size).toBe(firsts.length);
  for (const value of [...asked, ...firsts]) {
    // What begins with the word itself, and what begins before and behind it, is found between the two.
    expect(directory.lowest(value)).toBeLessThanOrEqual(rankOf(firsts, value));
    expect(directory.highest(value)).toBeGreaterThanOrEqual(firsts.filter((each) => each <= value).length);
    expect(directory.highest(value)).toBeLessThanOrEqual(directory.ranks);
  }
}

describe('BlockDirectory', () => {
  it('says between which ranks a word is, whatever came, went and moved', () => {
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 40 }),
        fc.array(step, { maxLength: 150, size: 'max' }),
        fc.array(word, { minLength: 5 }),
        (start, steps, asked) => {
          const firsts = start.toSorted((one, other) => one - other);
          let directory = new BlockDirectory(Uint32Array.from(firsts));
          for (const each of steps) {
            const rank = rankOf(firsts, each.word);
            if (each.kind === 'insert') {
              const block = directory.insert(rank, each.word);
              firsts.splice(rank, 0, each.word);
              expect(block).toBeLessThan(start.length + steps.length);
              expect(directory.blockAt(rank)).toBe(block);
            } else if (rank < firsts.length && each.kind === 'remove') {
              directory.remove(rank);
              firsts.splice(rank, 1);
            } else if (rank < firsts.length) {
              // A block begins lower when something is put before all that it holds.
              directory.setFirst(rank, each.word);
              firsts[rank] = each.word;
            }
          }
          expectSame(directory, firsts, asked);
          directory = directory.clone();
          directory.insert(0, 0);
          expectSame(directory, [0, ...firsts], asked);
        },
      ),
    );
  });
});
