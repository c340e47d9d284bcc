import type { ZoneData } from './zone-data.ts';

/** The zone that every resolver answers from while it runs the contract. `.test` can never exist (RFC 2606 §2). */
export const contractZone: ZoneData = {
  'contract.test': {
    SOA: 'ns.contract.test hostmaster.contract.test 7 7200 3600 1209600 900',
    NS: ['ns.contract.test', 'ns2.contract.test'],
    ttl: 3600,
  },
  'all.contract.test': {
    A: ['192.0.2.1', '192.0.2.2'],
    AAAA: ['2001:db8::1', '2001:db8:0:1::1'],
    MX: [
      { preference: 10, exchange: 'mx1.contract.test' },
      { preference: 20, exchange: 'mx2.contract.test' },
    ],
    PTR: ['mail.contract.test', 'other.contract.test'],
    SRV: [{ priority: 1, weight: 2, port: 587, target: 'submit.contract.test' }],
    TLSA: [{ usage: 3, selector: 1, matchingType: 1, data: 'ab'.repeat(32) }],
    CAA: [
      { critical: false, tag: 'issue', value: 'ca.test; policy=ev' },
      { critical: true, tag: 'iodef', value: 'mailto:security@contract.test' },
    ],
    ttl: 60,
  },
  'text.contract.test': { TXT: [['v=spf1 ip4:192.0.2.0/24', ' -all'], 'say "so"; \\ or not', 'x'.repeat(600)] },
  'octets.contract.test': { TXT: ['\u0000\u0080\u00ff', ['gr\u00c3', '\u00bcn']] },
  '_under.score.contract.test': { A: '192.0.2.4' },
  'null.contract.test': { MX: { preference: 0, exchange: '' }, SRV: '0 0 0 .' },
  'www.contract.test': { CNAME: 'alias.contract.test', ttl: 30 },
  'alias.contract.test': { CNAME: 'all.contract.test', ttl: 90 },
  'dangling.contract.test': { CNAME: 'nowhere.contract.test' },
  'loop.contract.test': { CNAME: 'loop2.contract.test' },
  'loop2.contract.test': { CNAME: 'loop.contract.test' },
  'below.empty.contract.test': { A: '192.0.2.5' },
  '*.wild.contract.test': { TXT: 'any' },
  'many.contract.test': { A: Array.from({ length: 250 }, (_, index) => `192.0.2.${index}`) },
  'signed.contract.test': { A: '192.0.2.6', authentic: true },
  'timeout.contract.test': 'timeout',
  'servfail.contract.test': 'servfail',
  'refused.contract.test': 'refused',
};
