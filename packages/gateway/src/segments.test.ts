import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Segments, SpareSegments } from './segments.ts';

describe('Segments', () => {
  it('gives back what was appended, however it was cut', () => {
    const spare = new SpareSegments();
    fc.assert(
      fc.property(fc.array(fc.nat(90_000), { maxLength: 6 }), (lengths) => {
        const segments = new Segments(spare);
        const chunks = lengths.map((length, i) => Buffer.alloc(length, i));
        for (const chunk of chunks) segments.append(chunk);
        const whole = Buffer.concat(chunks);
        expect(segments.byteLength).toBe(whole.length);
        const copy = Buffer.alloc(whole.length + 1);
        segments.copyTo(copy, 1);
        expect(copy.subarray(1).equals(whole)).toBe(true);
        expect(Buffer.concat(segments.parts()).equals(whole)).toBe(true);
        segments.clear();
      }),
    );
  });

  it('holds a message of a few KB in one part', () => {
    const segments = new Segments();
    for (let i = 0; i < 5; i++) segments.append(Buffer.alloc(1_000));
    expect(segments.parts()).toHaveLength(1);
  });

  it('does not touch parts that were given away, when it goes on or begins again', () => {
    const segments = new Segments();
    segments.append(Buffer.from('first'));
    const parts = segments.parts();
    segments.append(Buffer.from(' second'));
    segments.clear();
    segments.append(Buffer.from('third'));
    expect(Buffer.concat(parts).toString()).toBe('first');
    expect(Buffer.concat(segments.parts()).toString()).toBe('third');
    expect(segments.byteLength).toBe(5);
  });

  it('uses memory again that nobody has seen, and no other', () => {
    const spare = new SpareSegments();
    const segments = new Segments(spare);
    const hold = (text: string): void => {
      segments.clear();
      segments.append(Buffer.from(text));
    };
    const memory = (): ArrayBufferLike => spare.take().buffer;
    hold('a secret of one message');
    hold('seen');
    const [seen] = segments.parts();
    // The rest of the memory shows nothing of the message before.
    expect(Buffer.from(seen?.buffer ?? new ArrayBuffer(0)).toString('latin1')).not.toContain('secret');
    hold('unseen');
    expect(Buffer.from(seen ?? '').toString()).toBe('seen');
    const copy = Buffer.alloc(6);
    segments.copyTo(copy, 0);
    expect(copy.toString()).toBe('unseen');
    segments.clear();
    const again = memory();
    expect(again).not.toBe(seen?.buffer);
    expect(Buffer.from(again).toString('latin1', 0, 6)).toBe('unseen');
    expect(memory()).not.toBe(again);
  });
});
