import type { DnsblZone } from './dnsbl-zone.ts';

/**
 * Spamhaus ZEN through the public mirrors: SBL, CSS, XBL, PBL and DROP in one query. Free for small, non-commercial use
 * and only through a resolver of one's own: public resolvers get error codes, which are `unknown` here.
 *
 * Codes: the "zen" row of the source. 127.0.0.5 to .7 belong to XBL and are unused at present.
 */
export const spamhausZen: DnsblZone = {
  name: 'zen.spamhaus.org',
  answers: [
    { code: '127.0.0.2', reason: 'sbl' },
    { code: '127.0.0.3', reason: 'css' },
    { from: '127.0.0.4', to: '127.0.0.7', reason: 'xbl' },
    { code: '127.0.0.9', reason: 'drop' },
    { from: '127.0.0.10', to: '127.0.0.11', reason: 'pbl' },
    { code: '127.0.0.30', reason: 'bcl' },
  ],
  txt: false,
  lookup: 'https://check.spamhaus.org/query/ip/{ip}',
  source: 'https://docs.spamhaus.com/datasets/docs/source/10-data-type-documentation/datasets/040-zones.html',
};

/**
 * Spamhaus ZEN through the Data Query Service, for those who have a key (registration; terms of use at the source).
 *
 * @param key - the account's query key: one label. It reaches the query name and nothing else.
 */
export function spamhausZenDqs(key: string): DnsblZone {
  return { ...spamhausZen, name: 'zen.dq.spamhaus.net', key };
}

/** The SpamCop Blocking List: senders of mail that SpamCop's users reported, for a day. IPv4 only. Free to query. */
export const spamcop: DnsblZone = {
  name: 'bl.spamcop.net',
  answers: [{ code: '127.0.0.2', reason: 'reported-spam' }],
  ipv6: false,
  txt: false,
  lookup: 'https://www.spamcop.net/bl.shtml?{ip}',
  source: 'https://www.spamcop.net/bl.shtml',
};

/** The Passive Spam Block List: addresses that sent mail to its spam traps. IPv4 only. Free to query. */
export const psbl: DnsblZone = {
  name: 'psbl.surriel.com',
  answers: [{ code: '127.0.0.2', reason: 'spam-trap' }],
  ipv6: false,
  txt: false,
  lookup: 'https://psbl.org/listing?ip={ip}',
  source: 'https://psbl.org/howto/',
};

/**
 * The Barracuda Reputation Block List. IPv4 only. Free to query after the address of one's resolver has been registered
 * at the source: others get no useful answer.
 */
export const barracuda: DnsblZone = {
  name: 'b.barracudacentral.org',
  answers: [{ code: '127.0.0.2', reason: 'poor-reputation' }],
  ipv6: false,
  txt: false,
  lookup: 'https://www.barracudacentral.org/lookups',
  source: 'https://www.barracudacentral.org/rbl',
};
