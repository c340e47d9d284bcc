import { parseIp } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { DmarcLocalPolicy, type DmarcOverrideRule } from './dmarc-local-policy.ts';

function ruling(rule: Omit<DmarcOverrideRule, 'type'>, ip?: string): boolean {
  const policy = new DmarcLocalPolicy([{ type: 'other', ...rule }]);
  const facts = {
    authorDomain: 'example.com',
    alignment: {
      spfAligned: false,
      dkimAligned: false,
      spf: { result: 'pass', domain: 'bounces.example.net', alignment: 'none' },
      dkim: [
        { result: 'pass', domain: 'lists.example.org', alignment: 'none' },
        { result: 'fail', domain: 'bank.example', alignment: 'not-compared' },
      ],
    },
  } as const;
  return policy.rulingOn(facts, ip) !== undefined;
}

describe('DmarcLocalPolicy', () => {
  it.each<[string, Omit<DmarcOverrideRule, 'type'>, string | undefined, boolean]>([
    ['a network', { networks: ['198.51.100.0/24', '192.0.2.0/24'] }, '192.0.2.1', true],
    ['a network of one', { networks: ['192.0.2.1'] }, '::ffff:192.0.2.1', true],
    ['another network', { networks: ['198.51.100.0/24'] }, '192.0.2.1', false],
    ['a network and an unknown client', { networks: ['0.0.0.0/0'] }, undefined, false],
    ['a network and what is no address', { networks: ['0.0.0.0/0'] }, 'nonsense', false],
    ['all of IPv6, for IPv4', { networks: ['::/0'] }, '192.0.2.1', false],
    ['a signer', { authenticatedDomains: ['lists.example.org'] }, undefined, true],
    ['the domain of SPF', { authenticatedDomains: ['.example.net'] }, undefined, true],
    ['a signature that failed', { authenticatedDomains: ['bank.example'] }, undefined, false],
    ['an author', { authorDomains: ['Example.com.'] }, undefined, true],
    ['subdomains of the author', { authorDomains: ['.example.com'] }, undefined, false],
    ['two conditions', { authorDomains: ['example.com'], networks: ['192.0.2.0/24'] }, '192.0.2.1', true],
    ['one condition of two', { authorDomains: ['example.com'], networks: ['192.0.2.0/24'] }, '198.51.100.1', false],
    ['the other of two', { authorDomains: ['example.net'], networks: ['192.0.2.0/24'] }, '192.0.2.1', false],
    ['an empty list, which nobody is in', { authorDomains: [] }, undefined, false],
  ])('knows %s', (_, rule, ip, expected) => {
    expect(ruling(rule, ip)).toBe(expected);
  });

  it('takes addresses that are parsed already', () => {
    const policy = new DmarcLocalPolicy([{ type: 'trusted_forwarder', networks: ['192.0.2.0/24'], comment: 'x' }]);
    const alignment = { spfAligned: false, dkimAligned: false, spf: undefined, dkim: [] };
    expect(policy.rulingOn({ authorDomain: undefined, alignment }, parseIp('192.0.2.1'))).toMatchObject({
      disposition: 'none',
      override: { type: 'trusted_forwarder', comment: 'x' },
    });
  });

  it.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ['what is no list', {}, TypeError],
    ['a rule that is none', [7], TypeError],
    ['a rule without a type', [{ networks: ['192.0.2.0/24'] }], TypeError],
    ['a type that is not ours to give', [{ type: 'policy_test_mode', networks: ['192.0.2.0/24'] }], TypeError],
    ['a rule without a condition', [{ type: 'other' }], RangeError],
    ['an unknown condition', [{ type: 'other', network: ['192.0.2.0/24'] }], TypeError],
    ['a network that is none', [{ type: 'other', networks: ['192.0.2.0/33'] }], RangeError],
    ['an address with a length', [{ type: 'other', networks: ['192.0.2.1/24'] }], RangeError],
    ['a domain that is none', [{ type: 'other', authorDomains: ['exa mple.com'] }], RangeError],
    ['a text in place of a list', [{ type: 'other', authenticatedDomains: 'example.com' }], TypeError],
    ['an unknown disposition', [{ type: 'other', authorDomains: ['example.com'], disposition: 'discard' }], TypeError],
    ['a long comment', [{ type: 'other', authorDomains: ['example.com'], comment: 'x'.repeat(201) }], TypeError],
    ['too many rules', Array(1_001).fill({ type: 'other', authorDomains: ['example.com'] }), RangeError],
  ])('refuses %s', (_, rules, error) => {
    // @ts-expect-error: what a configuration file may hold
    expect(() => new DmarcLocalPolicy(rules)).toThrow(error);
  });

  it('says which rule is wrong', () => {
    const rules: readonly DmarcOverrideRule[] = [
      { type: 'other', networks: ['192.0.2.0/24'] },
      { type: 'other', networks: ['nonsense'] },
    ];
    expect(() => new DmarcLocalPolicy(rules)).toThrow('rule 2: "nonsense" is no network: not-an-address');
  });
});
