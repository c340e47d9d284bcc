import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NewlineGuard, type NewlineMode } from './newline-guard.ts';

/** The message in text, cut at every byte. */
function run(mode: NewlineMode, chunks: readonly string[]) {
  const guard = new NewlineGuard(mode);
  let out = '';
  for (const chunk of chunks) {
    const passed = guard.write(Buffer.from(chunk, 'latin1'));
    if (passed === undefined) return { refused: guard.violation };
    out += Buffer.from(passed).toString('latin1');
  }
  const rest = guard.end();
  if (rest === undefined) return { refused: guard.violation };
  return { out: out + Buffer.from(rest).toString('latin1'), rewritten: guard.rewritten, violation: guard.violation };
}

const text = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', 'a', '.', '\0'), { maxLength: 40 })
  .map((parts) => parts.join(''));
const cuts = fc.array(fc.nat(40), { maxLength: 6 });

function cut(whole: string, at: readonly number[]): string[] {
  const borders = [0, ...at.filter((each) => each <= whole.length).sort((a, b) => a - b), whole.length];
  return borders.slice(1).map((border, i) => whole.slice(borders[i], border));
}

describe('NewlineGuard', () => {
  it('passes on what ends its lines in CRLF, without a copy', () => {
    const guard = new NewlineGuard('refuse');
    const chunk = Buffer.from('Subject: x\r\n\r\nbody\0\xff\r\n', 'latin1');
    expect(guard.write(chunk)).toBe(chunk);
    expect(guard.end()).toHaveLength(0);
    expect(guard.violation).toBeUndefined();
  });

  it('takes a Uint8Array that is no Buffer, and one that is part of a larger one', () => {
    const whole = new Uint8Array(Buffer.from('\nabc\r\n\n'));
    expect(new NewlineGuard('refuse').write(whole.subarray(1, 6))).toHaveLength(5);
    expect(new NewlineGuard('refuse').write(whole.subarray(1))).toBeUndefined();
  });

  it.each([
    ['a\nb\r\n', 'bare-lf', 1],
    ['\n', 'bare-lf', 0],
    ['ab\rc\r\n', 'bare-cr', 2],
    ['a\r\n\r\r\n', 'bare-cr', 3],
    ['a\r\n\n', 'bare-lf', 3],
    ['abc\r', 'bare-cr', 3],
    ['a\n\r', 'bare-lf', 1],
  ])('refuses %j with its kind and place, however it is cut', (message, kind, offset) => {
    expect(run('refuse', [message])).toEqual({ refused: { kind, offset } });
    expect(run('refuse', [...message])).toEqual({ refused: { kind, offset } });
  });

  it.each([
    ['a\nb', 'a\r\nb', 1],
    ['a\rb', 'a\r\nb', 1],
    ['a\r', 'a\r\n', 1],
    ['\n\r', '\r\n\r\n', 2],
    ['\r\r\n\n', '\r\n\r\n\r\n', 2],
    ['\n.\n', '\r\n.\r\n', 2],
  ])('normalizes %j', (message, out, rewritten) => {
    expect(run('normalize', [message])).toMatchObject({ out, rewritten });
    expect(run('normalize', [...message])).toMatchObject({ out, rewritten });
  });

  it('gives the same for any chunks: what a replacement of the whole text gives', () => {
    fc.assert(
      fc.property(text, cuts, (message, at) => {
        const expected = message.replace(/\r\n|\r|\n/g, '\r\n');
        const result = run('normalize', cut(message, at));
        expect(result.out).toBe(expected);
        const clean = !/(?<!\r)\n|\r(?!\n)/.test(message);
        expect(result.violation === undefined).toBe(clean);
        expect(result.rewritten).toBe(expected.length - message.length);
        expect(run('refuse', cut(message, at))).toEqual(run('refuse', [message]));
        expect(run('refuse', [message]).refused === undefined).toBe(clean);
      }),
      { numRuns: 1000 },
    );
  });
});
