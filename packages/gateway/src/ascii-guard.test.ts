import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AsciiGuard } from './ascii-guard.ts';

function passes(where: 'everywhere' | 'header', chunks: readonly string[]): boolean {
  const guard = new AsciiGuard(where);
  return chunks.every((chunk) => guard.write(Buffer.from(chunk, 'latin1')));
}

describe('AsciiGuard', () => {
  it.each([
    ['A: b\r\n\r\nbody', true, true],
    ['A: b\r\n\r\nbod\xff', false, true],
    ['A: \xff\r\n\r\nbody', false, false],
    ['A: b\r\n\xff\r\n\r\nbody', false, false],
    ['A: b\r\n\r\n\xff', false, true],
    ['A: b\r\n\xff', false, false],
    ['', true, true],
  ])('judges %j: everywhere %s, header %s, however it is cut', (message, everywhere, header) => {
    fc.assert(
      fc.property(fc.array(fc.nat(message.length)), (at) => {
        const borders = [0, ...at.sort((a, b) => a - b), message.length];
        const chunks = borders.slice(1).map((border, i) => message.slice(borders[i], border));
        expect(passes('everywhere', chunks)).toBe(everywhere);
        expect(passes('header', chunks)).toBe(header);
      }),
    );
  });
});
