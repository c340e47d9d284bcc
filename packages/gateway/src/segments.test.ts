import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Segments } from './segments.ts';

describe('Segments', () => {
  it('gives back what was appended, however it was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(90_000), { maxLength: 6 }), (lengths) => {
        const segments = new Segments();
        const chunks = lengths.map((length, i) => Buffer.alloc(length, i));
        for (const chunk of chunks) segments.append(chunk);
        const whole = Buffer.concat(chunks);
        expect(segments.byteLength).toBe(whole.length);
        expect(Buffer.concat(segments.parts()).equals(whole)).toBe(true);
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
});
