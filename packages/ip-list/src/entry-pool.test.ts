import { describe, expect, it } from 'vitest';
import { EntryPool } from './entry-pool.ts';
import type { ListEntryInput } from './list-entry.ts';

describe('EntryPool', () => {
  it('keeps equal entries once, whatever came between', () => {
    const pool = new EntryPool();
    const spam = pool.take('add', { reason: 'spam' });
    const plain = pool.take('add', undefined);
    expect(pool.take('add', { reason: 'spam', action: 'block', source: '' })).toBe(spam);
    expect(pool.take('add', {})).toBe(plain);
    expect(pool.at(spam)).toMatchObject({ action: 'block', reason: 'spam', source: '' });
    expect(pool.at(plain)).toMatchObject({ action: 'block', reason: '', source: '' });
  });

  it.each<[ListEntryInput, ListEntryInput]>([
    [{ action: 'allow' }, { action: 'block' }],
    [
      { reason: 'ab', source: 'c' },
      { reason: 'b', source: 'ca' },
    ],
    [
      { reason: '1', source: '' },
      { reason: '', source: '1' },
    ],
    [{ expiresAt: 1 }, { expiresAt: 2 }],
    [{ expiresAt: 1 }, {}],
    [{ evidence: { count: 1 } }, {}],
    [{ evidence: { count: 1 } }, { evidence: { count: 2 } }],
  ])('keeps %j and %j apart, in any order', (one, other) => {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ] as const) {
      const pool = new EntryPool();
      const numbers = [pool.take('add', first), pool.take('add', second)];
      expect(new Set(numbers).size).toBe(2);
      expect(numbers.map((number) => pool.at(number))).toMatchObject([first, second]);
    }
  });

  it('keeps what ends once while it comes in a row, and knows when', () => {
    const pool = new EntryPool();
    const first = pool.take('add', { expiresAt: 5 });
    expect(pool.take('add', { expiresAt: 5 })).toBe(first);
    expect(pool.endOf(first)).toBe(5);
    expect(pool.endOf(pool.take('add', {}))).toBe(Number.POSITIVE_INFINITY);
  });

  it('forgets an entry with its last use, and uses its number again', () => {
    for (const input of [{ reason: 'spam' }, { expiresAt: 5 }, { evidence: {} }]) {
      const pool = new EntryPool();
      const number = pool.take('add', input);
      pool.take('add', { reason: 'other' });
      pool.release(number);
      expect(() => pool.at(number)).toThrow(RangeError);
      expect(pool.take('add', { action: 'allow' })).toBe(number);
      expect(pool.at(number).action).toBe('allow');
      expect(pool.at(pool.take('add', input))).toMatchObject(input);
    }
  });

  it('keeps an entry while one use is left, also after it was the last one to come', () => {
    const pool = new EntryPool();
    const number = pool.take('add', { reason: 'spam' });
    pool.take('add', { reason: 'spam' });
    pool.release(number);
    expect(pool.at(number).reason).toBe('spam');
    pool.release(number);
    expect(() => pool.at(number)).toThrow(RangeError);
    expect(pool.at(pool.take('add', { reason: 'spam' })).reason).toBe('spam');
  });

  it('is copied whole, and from then on apart', () => {
    const pool = new EntryPool();
    const number = pool.take('add', { reason: 'spam', expiresAt: 5 });
    const copy = new EntryPool(pool);
    pool.release(number);
    expect(copy.at(number).reason).toBe('spam');
    expect(copy.endOf(number)).toBe(5);
    copy.take('add', { reason: 'more' });
    expect(pool.take('add', { reason: 'other' })).toBe(number);
    expect(copy.at(number).reason).toBe('spam');
  });

  it('refuses a property that no entry has, also when all others are those of the entry before', () => {
    const pool = new EntryPool();
    pool.take('IpList.add', undefined);
    const misspelt: object = { acton: 'allow' };
    expect(() => pool.take('IpList.add', misspelt)).toThrow('no property "acton"');
  });
});
