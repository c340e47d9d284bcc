import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { barracuda, psbl, spamcop, spamhausZen, spamhausZenDqs } from './public-zones.ts';
import { queryDnsbl } from './query-dnsbl.ts';

/** What the lists answer for 9.9.8.7; the codes are those that their operators document. */
function answering(...addresses: readonly string[]): ZoneResolver {
  return new ZoneResolver(
    Object.fromEntries(
      [
        'zen.spamhaus.org',
        'thekey.zen.dq.spamhaus.net',
        'bl.spamcop.net',
        'psbl.surriel.com',
        'b.barracudacentral.org',
      ].map((zone) => [`7.8.9.9.${zone}`, { A: addresses }]),
    ),
  );
}

const all = [spamhausZen, spamhausZenDqs('TheKey'), spamcop, psbl, barracuda];

describe('the public zones', () => {
  it.each([
    ['127.0.0.2', 'sbl'],
    ['127.0.0.3', 'css'],
    ['127.0.0.4', 'xbl'],
    ['127.0.0.9', 'drop'],
    ['127.0.0.10', 'pbl'],
    ['127.0.0.11', 'pbl'],
    ['127.0.0.30', 'bcl'],
  ])('ZEN answering %s says %s', async (code, reason) => {
    const zones = [spamhausZen, spamhausZenDqs('TheKey')];
    const result = await queryDnsbl('9.9.8.7', { zones, resolver: answering(code) });
    expect(result.zones).toMatchObject([
      { zone: 'zen.spamhaus.org', status: 'listed', reasons: [reason] },
      { zone: 'zen.dq.spamhaus.net', status: 'listed', reasons: [reason] },
    ]);
    expect(JSON.stringify(result).toLowerCase()).not.toContain('thekey');
  });

  it('all list what answers 127.0.0.2, with a link for the reply and without a query for a text', async () => {
    const resolver = answering('127.0.0.2');
    const result = await queryDnsbl('9.9.8.7', { zones: all, resolver });
    expect(result.score).toBe(5);
    for (const { link } of result.zones) expect(link).toMatch(/^https:\/\//);
    expect(resolver.queries.count()).toBe(5);
  });

  it.each(['127.0.0.1', '127.255.255.252', '127.255.255.254', '127.255.255.255', '127.0.1.255', '10.0.0.1'])(
    'none lists what answers %s',
    async (code) => {
      const result = await queryDnsbl('9.9.8.7', { zones: all, resolver: answering(code) });
      expect(result).toMatchObject({ status: 'unknown', score: 0 });
    },
  );

  it('ask for IPv6 addresses only where the operator lists them', async () => {
    const { zones } = await queryDnsbl('2a00::1', { zones: all, resolver: answering() });
    expect(zones.map(({ status }) => status)).toEqual(['clean', 'clean', 'skipped', 'skipped', 'skipped']);
  });
});
