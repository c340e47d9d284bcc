import type { AddressZone } from './dnsbl-zone.ts';

/**
 * Spamhaus ZEN through the public mirrors: SBL, CSS, XBL, PBL and DROP in one query. Free for small, non-commercial use
 * and only through a resolver of one's own: public resolvers get error codes, which are `unknown` here.
 *
 * Codes: the "zen" row of the source. 127.0.0.5 to .7 belong to XBL and are unused at present.
 */
export const spamhausZen: AddressZone = {
  name: 'zen.spamhaus.org',
  answers: [
    { code: '127.0.0.2', reason: 'sbl' },
    { code: '127.0.0.3', reason: 'css' },
    { from: '127.0.0.4', to: '127.0.0.7', reason: 'xbl' },
    { code: '127.0.0.9', reason: 'drop' },
    { from: '127.0.0.10', to: '127.0.0.11', reason: 'pbl' },
    { code: '127.0.0.30', reason: 'bcl' },
  ],
  txt: 'never',
  lookup: 'https://check.spamhaus.org/query/ip/{ip}',
  source: 'https://docs.spamhaus.com/datasets/docs/source/10-data-type-documentation/datasets/040-zones.html',
  terms: 'https://www.spamhaus.org/organization/dnsblusage/',
};

/**
 * Spamhaus ZEN through the Data Query Service, for those who have a key (registration; terms of use at `terms`).
 *
 * @param key - the account's query key: one label. It reaches the query name and nothing else.
 */
export function spamhausZenDqs(key: string): AddressZone {
  return { ...spamhausZen, name: 'zen.dq.spamhaus.net', key };
}

/** The SpamCop Blocking List: senders of mail that SpamCop's users reported, for a day. IPv4 only. Free to query. */
export const spamcop: AddressZone = {
  name: 'bl.spamcop.net',
  answers: [{ code: '127.0.0.2', reason: 'reported-spam' }],
  ipv6: false,
  txt: 'never',
  lookup: 'https://www.spamcop.net/bl.shtml?{ip}',
  source: 'https://www.spamcop.net/bl.shtml',
  terms: 'https://www.spamcop.net/bl.shtml',
};

/** The Passive Spam Block List: addresses that sent mail to its spam traps. IPv4 only. Free to query. */
export const psbl: AddressZone = {
  name: 'psbl.surriel.com',
  answers: [{ code: '127.0.0.2', reason: 'spam-trap' }],
  ipv6: false,
  txt: 'never',
  lookup: 'https://psbl.org/listing?ip={ip}',
  source: 'https://psbl.org/howto/',
  terms: 'https://psbl.org/about/',
};

/**
 * The Barracuda Reputation Block List. IPv4 only. Free to query after the address of one's resolver has been registered
 * at the source: others get no useful answer.
 */
export const barracuda: AddressZone = {
  name: 'b.barracudacentral.org',
  answers: [{ code: '127.0.0.2', reason: 'poor-reputation' }],
  ipv6: false,
  txt: 'never',
  lookup: 'https://www.barracudacentral.org/lookups',
  source: 'https://www.barracudacentral.org/rbl',
  terms: 'https://www.barracudacentral.org/rbl/how-to-use',
};

/**
 * Mailspike's block list: addresses in a spam wave at this moment, and those of bad to worst reputation (L3 to L5).
 * IPv4 only. Free to query up to 100,000 queries and messages a day.
 *
 * Codes: "BL" of the source, which is "Z" (127.0.0.2) and the levels L3 to L5 of "REP" together.
 */
export const mailspike: AddressZone = {
  name: 'bl.mailspike.net',
  answers: [
    { code: '127.0.0.2', reason: 'spam-wave' },
    { code: '127.0.0.10', reason: 'worst-reputation' },
    { code: '127.0.0.11', reason: 'very-bad-reputation' },
    { code: '127.0.0.12', reason: 'bad-reputation' },
  ],
  ipv6: false,
  txt: 'never',
  // The source documents no test point, so only that it does not list everything can be tried.
  testPoints: { mustList: [] },
  lookup: 'https://mailspike.org/iplookup.html',
  source: 'https://mailspike.org/usage.html',
  terms: 'https://mailspike.org/usage.html',
};

/**
 * Mailspike's allow list: addresses of good reputation (H2 to H5). The source says that spam comes from them too now and
 * then and that the list is never to be an only reason to let mail in: it lifts listings, nothing more. IPv4 only; the terms
 * are those of {@link mailspike}.
 */
export const mailspikeAllow: AddressZone = {
  name: 'wl.mailspike.net',
  kind: 'allow',
  answers: [
    { code: '127.0.0.17', reason: 'possibly-legitimate' },
    { code: '127.0.0.18', reason: 'good-reputation' },
    { code: '127.0.0.19', reason: 'very-good-reputation' },
    { code: '127.0.0.20', reason: 'excellent-reputation' },
  ],
  ipv6: false,
  txt: 'never',
  // The source documents no test point, so only that it does not list everything can be tried.
  testPoints: { mustList: [] },
  source: 'https://mailspike.org/usage.html',
  terms: 'https://mailspike.org/usage.html',
};

/**
 * DroneBL: compromised hosts and open proxies. Free to query.
 *
 * Codes: the classes at the source. Left out, and so `unknown`, are 1 (testing), 2 (sample data), 12 (open DNS resolver) and
 * 18 (a name seen on IRC), which say nothing of mail, and 17 (determined automatically, experimental).
 */
export const dronebl: AddressZone = {
  name: 'dnsbl.dronebl.org',
  answers: [
    { code: '127.0.0.3', reason: 'irc-drone' },
    { code: '127.0.0.5', reason: 'bottler' },
    { code: '127.0.0.6', reason: 'spambot' },
    { code: '127.0.0.7', reason: 'ddos-drone' },
    { code: '127.0.0.8', reason: 'socks-proxy' },
    { code: '127.0.0.9', reason: 'http-proxy' },
    { code: '127.0.0.10', reason: 'proxy-chain' },
    { code: '127.0.0.11', reason: 'web-proxy' },
    { code: '127.0.0.13', reason: 'brute-force' },
    { code: '127.0.0.14', reason: 'wingate-proxy' },
    { code: '127.0.0.15', reason: 'compromised-router' },
    { code: '127.0.0.16', reason: 'worm' },
    { code: '127.0.0.19', reason: 'abused-vpn' },
    { code: '127.0.0.255', reason: 'uncategorized' },
  ],
  txt: 'never',
  // Classes 1 and 2 are for tests, but the source does not say of which addresses; and 127.0.0.1 is an answer of class 1.
  testPoints: { mustList: [] },
  lookup: 'https://dronebl.org/lookup?ip={ip}',
  source: 'https://dronebl.org/classes',
  terms: 'https://dronebl.org/docs/howtouse',
};

/**
 * DNSWL, an allow list of good mail servers. The third octet is the line of business, the fourth how far it is trusted:
 * 0 none, 1 low, 2 medium, 3 high. Trust `none` only says that the address is known and has the weight 0, so that it lifts
 * no listing. Free for non-commercial use up to 100,000 queries a day; who asks more gets 127.0.0.255.
 */
export const dnswl: AddressZone = {
  name: 'list.dnswl.org',
  kind: 'allow',
  answers: [
    { code: '127.0.0.0', mask: '255.255.0.255', reason: 'trust-none', weight: 0 },
    { code: '127.0.0.1', mask: '255.255.0.255', reason: 'trust-low' },
    { code: '127.0.0.2', mask: '255.255.0.255', reason: 'trust-medium' },
    { code: '127.0.0.3', mask: '255.255.0.255', reason: 'trust-high' },
  ],
  errors: [{ code: '127.0.0.255', reason: 'over-quota' }],
  txt: 'never',
  lookup: 'https://www.dnswl.org/s/?s={ip}',
  source: 'https://www.dnswl.org/?page_id=15',
  terms: 'https://www.dnswl.org/?page_id=110',
};

/**
 * Abusix's combined list: spam (`black`), exploited hosts and addresses that should send no mail by themselves (`policy`).
 * For those who have a key (registration; terms of use at `terms`). The policy part is for connecting clients alone, never
 * for `Received` fields.
 *
 * @param key - the account's query key: one label. It reaches the query name and nothing else.
 */
export function abusixCombined(key: string): AddressZone {
  return {
    name: 'combined.mail.abusix.zone',
    key,
    answers: [
      { code: '127.0.0.2', reason: 'spam-trap' },
      { code: '127.0.0.3', reason: 'low-reputation' },
      { code: '127.0.0.200', reason: 'manual-entry' },
      { code: '127.0.0.4', reason: 'exploit' },
      { code: '127.0.0.11', reason: 'policy-generic-name' },
      { code: '127.0.0.12', reason: 'policy-no-name' },
    ],
    txt: 'never',
    testPoints: {
      mustList: ['127.0.0.2'],
      source: 'https://abusix.com/docs/abusix-mail-intelligence/executing-dig-host-and-nslookup-queries',
    },
    lookup: 'https://lookup.abusix.com/search?q={ip}',
    source: 'https://docs.abusix.com/docs/guardian-mail/production-zones',
    terms: 'https://abusix.com/terms-and-conditions/',
  };
}
