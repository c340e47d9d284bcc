import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { abusixDomains, spamhausDbl, spamhausDblDqs, surblMulti, uriblMulti } from './public-domain-zones.ts';
import { queryDomainList } from './query-domain-list.ts';

const all = [spamhausDbl, spamhausDblDqs('TheKey'), surblMulti, uriblMulti, abusixDomains('TheKey')];

/** What the lists answer for shady.biz. */
function answering(...addresses: readonly string[]): ZoneResolver {
  const names = all.map(({ name, key }) => (key === undefined ? name : `${key}.${name}`));
  return new ZoneResolver(Object.fromEntries(names.map((zone) => [`shady.biz.${zone}`, { A: addresses }])));
}

const registrableDomain = (): string => 'shady.biz';

async function ask(zone: (typeof all)[number], ...addresses: readonly string[]): Promise<object | undefined> {
  const result = await queryDomainList('shady.biz', {
    zones: [zone],
    resolver: answering(...addresses),
    registrableDomain,
  });
  expect(JSON.stringify(result).toLowerCase()).not.toContain('thekey');
  return result.zones[0];
}

describe('the public lists of domains', () => {
  it.each([
    [spamhausDbl, '127.0.1.2', ['low-reputation'], 1],
    [spamhausDbl, '127.0.1.4', ['phishing'], 1],
    [spamhausDbl, '127.0.1.104', ['abused-phishing'], 0.5],
    [spamhausDblDqs('TheKey'), '127.0.1.6', ['botnet'], 1],
    [surblMulti, '127.0.0.80', ['malware', 'abuse'], 1],
    [surblMulti, '127.0.0.200', ['phishing', 'abuse', 'cracked'], 1],
    // Its second and third octet are to be ignored.
    [surblMulti, '127.0.1.8', ['phishing'], 1],
    [uriblMulti, '127.0.0.2', ['black'], 1],
    [uriblMulti, '127.0.0.12', ['grey', 'red'], 0.25],
    [abusixDomains('TheKey'), '127.0.1.3', ['behind-short-url'], 1],
  ])('%o answering %s', async (zone, code, reasons, score) => {
    expect(await ask(zone, code)).toMatchObject({ status: 'listed', reasons, score, zone: zone.name });
  });

  it.each([
    [spamhausDbl, '127.0.1.255', 'error-code'],
    [spamhausDbl, '127.255.255.252', 'zone-name'],
    [spamhausDbl, '127.255.255.254', 'open-resolver'],
    [spamhausDbl, '127.255.255.255', 'over-quota'],
    [spamhausDbl, '127.0.1.3', 'undocumented-code'],
    [spamhausDbl, '127.0.0.2', 'undocumented-code'],
    [surblMulti, '127.0.0.1', 'access-denied'],
    [surblMulti, '127.0.0.2', 'undocumented-code'],
    [surblMulti, '127.255.255.254', 'open-resolver'],
    [uriblMulti, '127.0.0.1', 'access-denied'],
    [uriblMulti, '127.0.0.16', 'undocumented-code'],
    [abusixDomains('TheKey'), '127.0.0.2', 'undocumented-code'],
  ])('%o answering %s is no listing', async (zone, code, reason) => {
    expect(await ask(zone, code)).toMatchObject({ status: 'unknown', reasons: [reason], score: 0 });
  });

  it.each(all)('has links: $name', ({ source, terms, lookup }) => {
    for (const link of [source, terms, lookup]) expect(link).toMatch(/^https:\/\//);
  });
});
