import { parseCidr } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { PrefixStore } from './entry-store.ts';

describe('PrefixStore', () => {
  it('gives back what was put in, in order and as often as one likes', () => {
    const store = new PrefixStore();
    const block = { reason: 'a' };
    const allow = { action: 'allow' } as const;
    const put = Array.from({ length: 5_000 }, (_, at) => {
      const text = at % 3 === 0 ? `2001:db8:${at.toString(16)}::/48` : `10.${at >> 8}.${at & 255}.0/24`;
      const result = parseCidr(text);
      if (!result.ok) throw new Error(text);
      return [result.cidr, at % 2 === 0 ? block : allow] as const;
    });
    for (const [cidr, entry] of put) store.add(cidr, entry);
    expect(store.size).toBe(put.length);
    expect([...store]).toEqual(put);
    expect([...store]).toEqual(put);
  });
});
