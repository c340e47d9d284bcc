import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listingReply } from './listing-reply.ts';
import type { ZoneResult } from './zone-result.ts';

function listing(zone: string, facts: Partial<Pick<ZoneResult, 'text' | 'link'>> = {}): ZoneResult {
  return {
    zone,
    kind: 'block',
    status: 'listed',
    codes: ['127.0.0.2'],
    reasons: ['listed'],
    score: 1,
    text: undefined,
    link: undefined,
    ...facts,
  };
}

describe('listingReply', () => {
  it.each<[string, ZoneResult[], string]>([
    ['a bare listing', [listing('bl.example')], 'Client 192.0.2.1 is listed by bl.example (listed)'],
    [
      'a text',
      [listing('bl.example', { text: 'Spam on Friday' })],
      'Client 192.0.2.1 is listed by bl.example (listed): Spam on Friday',
    ],
    [
      'a link, which is better than a text',
      [listing('bl.example', { text: 'Spam on Friday' }), listing('two.example', { link: 'https://two.example/x' })],
      'Client 192.0.2.1 is listed by bl.example (listed), two.example (listed); see https://two.example/x',
    ],
    [
      'many',
      ['a', 'b', 'c', 'd'].map((name) => listing(`${name}.example`)),
      'Client 192.0.2.1 is listed by a.example (listed), b.example (listed) and 2 more',
    ],
  ])('explains %s', (_, listings, text) => {
    expect(listingReply('Client 192.0.2.1', listings)).toEqual({ code: 550, enhanced: '5.7.1', text });
  });

  it('fits a reply line, whatever the lists say', () => {
    const text = fc.string({ unit: fc.constantFrom('x', ' ', '5'), maxLength: 500 });
    const zone = fc.constantFrom('bl.example', `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`);
    fc.assert(
      fc.property(fc.array(fc.tuple(zone, text), { minLength: 1, maxLength: 20 }), (lists) => {
        const listings = lists.map(([name, why]) => listing(name, { text: why }));
        const reply = listingReply('Client 2001:db8:1234:5678:9abc:def0:1234:5678', listings);
        expect(`550 5.7.1 ${reply.text}\r\n`.length).toBeLessThanOrEqual(512);
      }),
    );
  });
});
