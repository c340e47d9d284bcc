import type { DomainZone } from './dnsbl-zone.ts';

/**
 * The Spamhaus Domain Blocklist through the public mirrors. It answers for all names below a listed domain. Free for small,
 * non-commercial use and only through a resolver of one's own. Answers from 127.0.1.100 on are domains of honest owners that
 * are being abused: their mail may be honest too, so that they weigh half.
 *
 * Codes: the "dbl" row of the source.
 */
export const spamhausDbl: DomainZone = {
  name: 'dbl.spamhaus.org',
  lists: 'domains',
  answers: [
    { code: '127.0.1.2', reason: 'low-reputation' },
    { code: '127.0.1.4', reason: 'phishing' },
    { code: '127.0.1.5', reason: 'malware' },
    { code: '127.0.1.6', reason: 'botnet' },
    { code: '127.0.1.102', reason: 'abused', weight: 0.5 },
    { code: '127.0.1.103', reason: 'abused-redirector', weight: 0.5 },
    { code: '127.0.1.104', reason: 'abused-phishing', weight: 0.5 },
    { code: '127.0.1.105', reason: 'abused-malware', weight: 0.5 },
    { code: '127.0.1.106', reason: 'abused-botnet', weight: 0.5 },
  ],
  // Asked about an address, which never happens here.
  errors: [{ code: '127.0.1.255', reason: 'error-code' }],
  txt: 'never',
  testPoints: {
    mustList: ['dbltest.com'],
    source: 'https://www.spamhaus.org/faqs/domain-blocklist/#how-can-i-test-the-dbl',
  },
  lookup: 'https://check.spamhaus.org/query/domain/{domain}',
  source: 'https://docs.spamhaus.com/datasets/docs/source/10-data-type-documentation/datasets/040-zones.html',
  terms: 'https://www.spamhaus.org/organization/dnsblusage/',
};

/**
 * The Spamhaus Domain Blocklist through the Data Query Service, for those who have a key (registration; terms of use at
 * `terms`).
 *
 * @param key - the account's query key: one label. It reaches the query name and nothing else.
 */
export function spamhausDblDqs(key: string): DomainZone {
  return { ...spamhausDbl, name: 'dbl.dq.spamhaus.net', key };
}

/**
 * SURBL's combined list of domains that stand in unwanted mail. The public one answers for all names below a listed
 * domain. It sets a bit for each part: only the last octet counts. Free for small sites; 127.0.0.1 is its refusal.
 *
 * Codes: "Lists" of the source. Bits that it does not explain are `unknown` when they stand alone.
 */
export const surblMulti: DomainZone = {
  name: 'multi.surbl.org',
  lists: 'domains',
  answers: [
    { code: '127.0.0.8', mask: '255.0.0.8', reason: 'phishing' },
    { code: '127.0.0.16', mask: '255.0.0.16', reason: 'malware' },
    { code: '127.0.0.64', mask: '255.0.0.64', reason: 'abuse' },
    { code: '127.0.0.128', mask: '255.0.0.128', reason: 'cracked' },
  ],
  errors: [{ code: '127.0.0.1', reason: 'access-denied' }],
  txt: 'never',
  testPoints: { mustList: ['surbl-org-permanent-test-point.com'], source: 'https://surbl.org/faqs' },
  lookup: 'https://surbl.org/surbl-analysis',
  source: 'https://surbl.org/lists',
  terms: 'https://surbl.org/usage-policy',
};

/**
 * URIBL's combined list. It has registrable domains only, so that a query needs the option `registrableDomain`, and it sets
 * a bit for each part. `grey` and `red` are for scores: `grey` may have honest bulk mailers in it, `red` is automatic. Free
 * for low volume; 127.0.0.1 is its refusal.
 */
export const uriblMulti: DomainZone = {
  name: 'multi.uribl.com',
  lists: 'domains',
  query: 'registrable',
  answers: [
    { code: '127.0.0.2', mask: '255.255.255.2', reason: 'black' },
    { code: '127.0.0.4', mask: '255.255.255.4', reason: 'grey', weight: 0.25 },
    { code: '127.0.0.8', mask: '255.255.255.8', reason: 'red', weight: 0.25 },
  ],
  errors: [{ code: '127.0.0.1', reason: 'access-denied' }],
  txt: 'never',
  testPoints: { mustList: ['test.uribl.com'], source: 'https://uribl.com/about.shtml' },
  lookup: 'https://lookup.uribl.com/',
  source: 'https://uribl.com/about.shtml',
  terms: 'https://uribl.com/about.shtml',
};

/**
 * Abusix's list of domains in spam, and of those that its links lead to. It answers for all names below a listed domain.
 * For those who have a key (registration; terms of use at `terms`).
 *
 * @param key - the account's query key: one label. It reaches the query name and nothing else.
 */
export function abusixDomains(key: string): DomainZone {
  return {
    name: 'dblack.mail.abusix.zone',
    lists: 'domains',
    key,
    answers: [
      { code: '127.0.1.1', reason: 'in-spam' },
      { code: '127.0.1.2', reason: 'newly-observed' },
      { code: '127.0.1.3', reason: 'behind-short-url' },
    ],
    txt: 'never',
    // The operator documents a test point for addresses only.
    testPoints: { mustList: [] },
    lookup: 'https://lookup.abusix.com/search?q={domain}',
    source: 'https://docs.abusix.com/docs/guardian-mail/production-zones',
    terms: 'https://abusix.com/terms-and-conditions/',
  };
}
