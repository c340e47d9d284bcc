import { describe, expect, it } from 'vitest';
import { readContentType } from './content-type.ts';

describe('readContentType', () => {
  it.each([
    ['Multipart/Report; report-type=feedback-report; BOUNDARY="a;b\\"c"', 'multipart/report', 'a;b"c'],
    ['multipart/mixed; boundary=one; boundary=two', 'multipart/mixed', 'one'],
    ['multipart/mixed; boundary="open', 'multipart/mixed', 'open'],
    ['multipart/mixed; boundary', 'multipart/mixed', undefined],
    ['multipart/mixed; =x;;', 'multipart/mixed', undefined],
    ['no type', 'text/plain', undefined],
    ['', 'text/plain', undefined],
    [undefined, 'text/plain', undefined],
  ])('reads %j', (value, type, boundary) => {
    const read = readContentType(value);
    expect([read.type, read.parameters.get('boundary')]).toEqual([type, boundary]);
  });

  it('bounds what it reads', () => {
    const many = Array.from({ length: 100 }, (_, index) => `p${index}=x`).join('; ');
    expect(readContentType(`text/plain; ${many}`).parameters.size).toBe(20);
    expect(readContentType(`text/plain; ${'x'.repeat(3_000)}; boundary=b`).parameters.has('boundary')).toBe(false);
  });
});
