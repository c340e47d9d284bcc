import { describe, expect, it } from 'vitest';
import { CachedAnswer, frozenAnswer, saneTtl } from './cached-answer.ts';
import { dnsFailure } from './dns-failure.ts';

const known = frozenAnswer<'A'>({ kind: 'records', records: ['192.0.2.1'], ttl: 0, authentic: true }, 10);

describe('CachedAnswer', () => {
  it('is fresh, then stale, then nothing', () => {
    const entry = new CachedAnswer('A', known, 1_000, 10_000, 9_000);
    expect([1_000, 1_001, 10_000, 10_999].map((now) => entry.fresh(now)?.ttl)).toEqual([10, 9, 1, 0]);
    expect(entry.fresh(11_000)).toBeUndefined();
    expect(entry.fresh(999)).toBeUndefined();
    expect(entry.stale(10_999, 5_000)).toBeUndefined();
    expect(entry.stale(11_000, 5_000)).toEqual({ ...known, ttl: 30, stale: true });
    expect(entry.stale(16_000, 5_000)).toMatchObject({ stale: true });
    expect(entry.stale(16_001, 5_000)).toBeUndefined();
  });

  it('asks to be refreshed once in so many hits near its end, and not after a failure', () => {
    const entry = new CachedAnswer('A', known, 0, 10_000, 9_000);
    expect(Array.from({ length: 5 }, () => entry.hit(8_999, 3))).not.toContain(true);
    expect(Array.from({ length: 7 }, () => entry.hit(9_000, 3))).toEqual([
      true,
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    entry.fail(dnsFailure('timeout', 'x'), 9_000);
    expect(Array.from({ length: 7 }, () => entry.hit(9_000, 3))).not.toContain(true);
  });

  it('remembers a failure beside the answer', () => {
    const entry = new CachedAnswer('A', known, 0, 10_000, 10_000);
    expect(entry.failure(0, 5_000)).toBeUndefined();
    const failure = dnsFailure('timeout', 'x');
    entry.fail(failure, 1_000);
    expect(entry.failure(5_999, 5_000)).toBe(failure);
    expect(entry.failure(6_000, 5_000)).toBeUndefined();
    expect(entry.failure(999, 5_000)).toBeUndefined();
    expect(entry.fresh(1_000)).toMatchObject({ ttl: 9 });
  });

  it('may hold a failure alone', () => {
    const entry = new CachedAnswer('A', undefined, 0, 0, 0);
    entry.fail(dnsFailure('servfail', 'x'), 0);
    expect(entry.fresh(0)).toBeUndefined();
    expect(entry.stale(0, 5_000)).toBeUndefined();
    expect(entry.failure(0, 5_000)).toMatchObject({ reason: 'servfail' });
  });
});

describe('frozenAnswer', () => {
  it('takes a copy that a change of the original does not reach', () => {
    const records = [{ preference: 10, exchange: 'mx.example.com' }];
    const answer = frozenAnswer<'MX'>({ kind: 'records', records, ttl: 300, authentic: false }, 60);
    records.push({ preference: 0, exchange: 'evil.example' });
    expect(answer).toEqual({
      kind: 'records',
      records: [{ preference: 10, exchange: 'mx.example.com' }],
      ttl: 60,
      authentic: false,
    });
    if (answer.kind !== 'records') throw new Error('no records');
    for (const part of [answer, answer.records, ...answer.records]) expect(Object.isFrozen(part)).toBe(true);
  });
});

it.each([
  [0, 0],
  [1.9, 1],
  [0x7fffffff, 0x7fffffff],
  [0x80000000, 0],
  [-1, 0],
  [Number.NaN, 0],
  [Number.POSITIVE_INFINITY, 0],
])('saneTtl(%d) is %d', (ttl, sane) => {
  expect(saneTtl(ttl)).toBe(sane);
});
