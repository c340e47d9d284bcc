import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import {
  abusixCombined,
  barracuda,
  dnswl,
  dronebl,
  mailspike,
  mailspikeAllow,
  psbl,
  spamcop,
  spamhausZen,
  spamhausZenDqs,
} from './public-zones.ts';
import { queryDnsbl } from './query-dnsbl.ts';

const blocking = [spamhausZen, spamhausZenDqs('TheKey'), spamcop, psbl, barracuda, mailspike, abusixCombined('TheKey')];
const all = [...blocking, mailspikeAllow, dronebl, dnswl];

/** What the lists answer for 9.9.8.7; the codes are those that their operators document. */
function answering(...addresses: readonly string[]): ZoneResolver {
  const names = all.map(({ name, key }) => (key === undefined ? name : `${key}.${name}`));
  return new ZoneResolver(Object.fromEntries(names.map((zone) => [`7.8.9.9.${zone}`, { A: addresses }])));
}

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

  it.each([
    [mailspike, '127.0.0.10', 'worst-reputation'],
    [mailspike, '127.0.0.12', 'bad-reputation'],
    [mailspikeAllow, '127.0.0.18', 'good-reputation'],
    [dronebl, '127.0.0.8', 'socks-proxy'],
    [dronebl, '127.0.0.255', 'uncategorized'],
    [abusixCombined('TheKey'), '127.0.0.200', 'manual-entry'],
    [abusixCombined('TheKey'), '127.0.0.11', 'policy-generic-name'],
    [dnswl, '127.0.5.3', 'trust-high'],
    [dnswl, '127.0.15.1', 'trust-low'],
  ])('%o answering %s', async (zone, code, reason) => {
    const result = await queryDnsbl('9.9.8.7', { zones: [zone], resolver: answering(code) });
    expect(result.zones).toMatchObject([{ status: 'listed', reasons: [reason], score: 1 }]);
    expect(JSON.stringify(result).toLowerCase()).not.toContain('thekey');
  });

  it.each([
    [mailspike, '127.0.0.13', 'undocumented-code'],
    [mailspikeAllow, '127.0.0.2', 'undocumented-code'],
    [dronebl, '127.0.0.1', 'reserved-code'],
    [dronebl, '127.0.0.2', 'undocumented-code'],
    [dronebl, '127.0.0.17', 'undocumented-code'],
    [dnswl, '127.0.0.255', 'over-quota'],
    [dnswl, '127.0.5.4', 'undocumented-code'],
    [dnswl, '127.1.5.3', 'undocumented-code'],
  ])('%o answering %s is no listing', async (zone, code, reason) => {
    const result = await queryDnsbl('9.9.8.7', { zones: [zone], resolver: answering(code) });
    expect(result.zones).toMatchObject([{ status: 'unknown', reasons: [reason] }]);
  });

  it('DNSWL lifts no listing for those that it trusts not at all', async () => {
    const result = await queryDnsbl('9.9.8.7', { zones: [dnswl], resolver: answering('127.0.3.0') });
    expect(result).toMatchObject({ allowed: false, zones: [{ status: 'listed', reasons: ['trust-none'], score: 0 }] });
  });

  it.each(all)('has links for those who want to know: $name', ({ source, terms }) => {
    for (const link of [source, terms]) expect(link).toMatch(/^https:\/\//);
  });

  it('all block lists list what answers 127.0.0.2, with a link for the reply and no query for a text', async () => {
    const resolver = answering('127.0.0.2');
    const result = await queryDnsbl('9.9.8.7', { zones: blocking, resolver });
    expect(result.score).toBe(blocking.length);
    for (const { link } of result.zones) expect(link).toMatch(/^https:\/\//);
    expect(resolver.queries.count()).toBe(blocking.length);
  });

  it.each(['127.0.0.1', '127.255.255.252', '127.255.255.254', '127.255.255.255', '127.0.1.255', '10.0.0.1'])(
    'none lists what answers %s',
    async (code) => {
      const result = await queryDnsbl('9.9.8.7', { zones: all, resolver: answering(code) });
      expect(result).toMatchObject({ status: 'unknown', score: 0, allowed: false });
    },
  );

  it('ask for IPv6 addresses only where the operator lists them', async () => {
    const { zones } = await queryDnsbl('2a00::1', { zones: all, resolver: answering() });
    const asked = zones.filter(({ status }) => status === 'clean').map(({ zone }) => zone);
    expect(asked).toEqual([
      'zen.spamhaus.org',
      'zen.dq.spamhaus.net',
      'combined.mail.abusix.zone',
      'dnsbl.dronebl.org',
      'list.dnswl.org',
    ]);
  });
});
