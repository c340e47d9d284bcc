import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNews, type StoreNews, writeNews } from './store-news.ts';

describe('the news of stores', () => {
  it('are read as they were written, and not by their writer', () => {
    const charge = { key: 'a', cost: 1, count: 2, perMs: 3 };
    const all: StoreNews[] = [
      {
        kind: 'refund',
        charges: [
          { ...charge, algorithm: 'gcra', burst: 4 },
          { ...charge, algorithm: 'fixed' },
        ],
      },
      { kind: 'reset', keys: ['a', '\0', 'ü'] },
      { kind: 'release', lease: { id: 'x/y', keys: ['a'] } },
    ];
    for (const news of all) {
      const payload = Buffer.from(writeNews('one', news));
      expect(readNews('two', payload)).toEqual(news);
      expect(readNews('one', payload)).toBe('own');
    }
  });

  it('may be anything', () => {
    const hostile = [
      '',
      '[]',
      'null',
      '{"kind":"refund","charges":[{}]}',
      '{"kind":"reset","keys":[1]}',
      '{"kind":"x"}',
    ];
    for (const text of hostile) expect(readNews('one', Buffer.from(text))).toMatchObject({ kind: 'invalid' });
    expect(readNews('one', Buffer.alloc(1_048_577))).toMatchObject({ kind: 'invalid' });
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const news = readNews('one', Buffer.from(JSON.stringify(value)));
        expect(news === 'own' || news.kind.length > 0).toBe(true);
      }),
    );
  });
});
