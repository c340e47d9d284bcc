import { parseIp } from '@postern/core';
import { IpList } from '@postern/ip-list';
import { describe, expect, it } from 'vitest';
import { RelayAcl } from './relay-acl.ts';

const list = IpList.from([
  ['198.51.100.0/24', { action: 'allow' }],
  ['198.51.100.66', { action: 'block' }],
  ['203.0.113.0/24', { reason: 'sends spam' }],
  ['2001:db8:1::/48', { action: 'allow' }],
]);
const acl = new RelayAcl({ localDomains: [], trustedNetworks: list });

function relays(ip: string): boolean {
  return acl.decide({ ip, recipient: 'user@victim.example' }).decision === 'relay';
}

describe('RelayAcl with an IpList of trusted networks', () => {
  it.each([
    ['198.51.100.1', '198.51.100.0/24'],
    ['::ffff:198.51.100.1', '198.51.100.0/24'],
    ['2001:db8:1::1', '2001:db8:1::/48'],
    ['198.51.100.66', undefined],
    ['203.0.113.1', undefined],
    ['192.0.2.1', undefined],
    ['127.0.0.1', undefined],
  ])('%s stands in %s', (ip, network) => {
    const address = parseIp(ip);
    expect(address && acl.trustedNetwork(address)).toBe(network);
    expect(relays(ip)).toBe(network !== undefined);
  });

  it('sees the list change', () => {
    list.add('192.0.2.7', { action: 'allow' });
    expect(relays('192.0.2.7')).toBe(true);
    expect(relays('192.0.2.8')).toBe(false);
    list.delete('192.0.2.7');
    expect(relays('192.0.2.7')).toBe(false);
  });

  it('trusts nobody by an entry for everyone, nor by a list of those to block', () => {
    for (const entries of [
      [['0.0.0.0/0', { action: 'allow' }] as const, ['::/0', { action: 'allow' }] as const],
      ['192.0.2.0/24'],
    ]) {
      const open = new RelayAcl({ localDomains: [], trustedNetworks: IpList.from(entries) });
      for (const ip of ['192.0.2.1', '2001:db8::1']) {
        expect(open.decide({ ip, recipient: 'user@victim.example' }).decision).toBe('deny');
      }
    }
  });

  it('refuses what is no list', () => {
    for (const trustedNetworks of [{}, new Map(), { lookup: true }]) {
      // @ts-expect-error as a program without types would
      expect(() => new RelayAcl({ localDomains: [], trustedNetworks })).toThrow('option "trustedNetworks"');
    }
  });
});
