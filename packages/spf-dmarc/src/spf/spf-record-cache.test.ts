import { describe, expect, it } from 'vitest';
import { SpfRecordCache } from './spf-record-cache.ts';

describe('SpfRecordCache', () => {
  it('reads a record once, right or wrong', () => {
    const cache = new SpfRecordCache();
    for (const text of ['v=spf1 -all', 'v=spf1 oops']) expect(cache.read(text)).toBe(cache.read(`${text}`));
    expect(cache.records).toBe(2);
  });

  it('is bounded by count and by memory', () => {
    const cache = new SpfRecordCache();
    for (let index = 0; index < 11_000; index++) cache.read(`v=spf1 x=${index}`);
    expect(cache.records).toBeGreaterThan(5_000);
    expect(cache.records).toBeLessThanOrEqual(10_000);
    const long = 'ip4:192.0.2.1 '.repeat(4_000);
    for (let index = 0; index < 20; index++) expect(cache.read(`v=spf1 ${long}x=${index}`).ok).toBe(true);
    expect(cache.records).toBeLessThan(20);
    expect(cache.bytes).toBeLessThanOrEqual(16 * 1_048_576);
  });
});
