import { parseIp } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { RelayAcl, type RelayRequest } from './relay-acl.ts';

const acl = new RelayAcl({
  localDomains: ['Ours.example', '.sub.ours.example', 'bücher.example', '[192.0.2.25]', '[IPv6:2001:DB8::25]'],
  relayDomains: ['backup.example', '.customers.example', 'sub.ours.example'],
  trustedNetworks: ['198.51.100.0/24', '2001:db8:1::/48', '203.0.113.5'],
});

const stranger = { ip: '203.0.113.9' };
const member = { ip: '203.0.113.9', user: 'alice' };
const insider = { ip: '198.51.100.7' };
const clients: [string, Omit<RelayRequest, 'recipient'>][] = [
  ['a stranger', stranger],
  ['a user', member],
  ['a trusted client', insider],
];

describe('RelayAcl', () => {
  describe.each(clients)('asked by %s', (_, client) => {
    it.each([
      ['user@ours.example', 'ours.example'],
      ['User@OURS.Example', 'ours.example'],
      ['user@mail.sub.ours.example', '.sub.ours.example'],
      ['user@bücher.example', 'xn--bcher-kva.example'],
      ['user@BÜCHER.example', 'xn--bcher-kva.example'],
      ['user@xn--bcher-kva.example', 'xn--bcher-kva.example'],
      ['user@[192.0.2.25]', '[192.0.2.25]'],
      ['user@[IPv6:2001:db8:0::25]', '[ipv6:2001:db8::25]'],
      ['"john doe"@ours.example', 'ours.example'],
      ['postmaster@ours.example', 'ours.example'],
    ])('takes %s as local', (recipient, matched) => {
      expect(acl.decide({ ...client, recipient })).toEqual({
        decision: 'local',
        reason: 'local-domain',
        matched,
        summary: expect.stringContaining(`(${matched})`),
        reply: undefined,
      });
    });

    it('takes the bare postmaster as local', () => {
      expect(acl.decide({ ...client, recipient: 'PostMaster' })).toMatchObject({
        decision: 'local',
        reason: 'postmaster',
      });
    });

    it.each([
      ['user@backup.example', 'backup.example'],
      ['user@a.b.customers.example', '.customers.example'],
      // Its subdomains are local, itself is not.
      ['user@sub.ours.example', 'sub.ours.example'],
    ])('relays %s for anyone', (recipient, matched) => {
      expect(acl.decide({ ...client, recipient })).toMatchObject({
        decision: 'relay',
        reason: 'relay-domain',
        matched,
        reply: undefined,
      });
    });

    it.each([
      ['user%victim.example@ours.example', 'percent-hack', 'ours.example'],
      ['victim.example!user@ours.example', 'bang-path', 'ours.example'],
      ['"user@victim.example"@ours.example', 'quoted-route', 'ours.example'],
      ['"user%victim.example"@ours.example', 'percent-hack', 'ours.example'],
      ['user%victim.example@backup.example', 'percent-hack', 'backup.example'],
      ['victim.example!user@[192.0.2.25]', 'bang-path', '[192.0.2.25]'],
      ['user%victim.example', 'percent-hack', ''],
      ['victim.example!user', 'bang-path', ''],
      ['"user@victim.example"', 'quoted-route', ''],
      ['@ours.example:user@victim.example', 'source-route', ''],
      ['@ours.example,@b.example:user@victim.example', 'source-route', ''],
      ['user@victim.example@ours.example', 'nested-address', ''],
      ['user@ours.example.', 'trailing-dot', ''],
      ['user@victim.example.', 'trailing-dot', ''],
      ['user@[127.0.0.1]', 'address-literal', '[127.0.0.1]'],
      ['user@[192.0.2.26]', 'address-literal', '[192.0.2.26]'],
      ['user@[IPv6:::1]', 'address-literal', '[ipv6:::1]'],
      ['user@[x400:Example]', 'address-literal', '[x400:example]'],
      ['user@[127.1]', 'bad-literal', ''],
      ['user@127.0.0.1', 'bad-domain', ''],
      ['user@', 'bad-domain', ''],
      ['user', 'no-domain', ''],
      ['', 'no-recipient', ''],
      ['user\0@ours.example', 'control-character', ''],
      ['user@ours.example\nx', 'control-character', ''],
      ['<user@ours.example>', 'bad-local-part', ''],
    ])('denies %j: %s', (recipient, reason, matched) => {
      const decision = acl.decide({ ...client, recipient });
      expect(decision).toEqual({
        decision: 'deny',
        reason,
        matched,
        summary: expect.stringMatching(/^[ -~]+\.$/),
        reply: { code: 550, enhanced: '5.7.1', text: expect.stringMatching(/^[ -~]{10,200}$/) },
      });
    });
  });

  const foreign = [
    'user@victim.example',
    'user@localhost',
    'user@notours.example',
    'user@ours.example.victim.example',
    'user@mail.ours.example',
    'user@customers.example',
    // Cyrillic о and Greek ο look like ours.
    'user@оurs.example',
    'user@οurs.example',
    'user%other@victim.example',
    '"user@other"@victim.example',
  ];

  it.each(foreign)('denies a stranger %s', (recipient) => {
    expect(acl.decide({ ...stranger, recipient })).toMatchObject({ decision: 'deny', reason: 'relay-denied' });
  });

  it.each(foreign)('relays %s for a user and for a trusted client', (recipient) => {
    expect(acl.decide({ ...member, recipient })).toMatchObject({
      decision: 'relay',
      reason: 'authenticated',
      matched: 'alice',
    });
    expect(acl.decide({ ...insider, recipient })).toMatchObject({
      decision: 'relay',
      reason: 'trusted-network',
      matched: '198.51.100.0/24',
    });
  });

  it.each([
    ['198.51.100.255', true],
    ['::ffff:198.51.100.1', true],
    ['2001:db8:1:2::3', true],
    ['203.0.113.5', true],
    ['198.51.101.0', false],
    ['2001:db8:2::', false],
    ['203.0.113.4', false],
    ['127.0.0.1', false],
    ['::1', false],
    ['::198.51.100.1', false],
  ])('trusts %s: %s', (ip, trusted) => {
    const expected = trusted ? 'relay' : 'deny';
    expect(acl.decide({ ip, recipient: 'user@victim.example' }).decision).toBe(expected);
    expect(acl.decide({ ip: parseIp(ip), recipient: 'user@victim.example' }).decision).toBe(expected);
  });

  it.each([undefined, '', 'unknown', '198.51.100.7.', ' 198.51.100.7', '198.51.100.7/24', '0xc6.51.100.7', 'unix:'])(
    'denies the client address %j everything',
    (ip) => {
      for (const recipient of ['user@ours.example', 'postmaster', 'user@victim.example', 'user@backup.example']) {
        const decision = acl.decide({ ip, user: 'alice', recipient });
        expect(decision).toMatchObject({ decision: 'deny', reason: 'client-address', reply: { code: 550 } });
      }
    },
  );

  it.each<unknown>(['', null, false, 0, 7, {}, []])('takes the user %j for nobody', (user) => {
    // @ts-expect-error as a program without types would
    expect(acl.decide({ ...stranger, user, recipient: 'user@victim.example' }).decision).toBe('deny');
  });

  it('knows nobody whose address is null', () => {
    // @ts-expect-error as a program without types would
    expect(acl.decide({ ip: null, recipient: 'user@ours.example' }).reason).toBe('client-address');
  });

  it('is not moved by the reverse-path', () => {
    for (const mailFrom of ['', 'user@ours.example', 'user@victim.example', 'postmaster', '@ours.example:x']) {
      expect(acl.decide({ ...stranger, mailFrom, recipient: 'user@victim.example' }).decision).toBe('deny');
    }
  });

  it('takes routing characters for plain ones when told to, in our own domains only', () => {
    const lax = new RelayAcl({
      localDomains: ['ours.example'],
      relayDomains: ['backup.example'],
      allowRoutingCharacters: true,
    });
    for (const localPart of ['a%b', 'a!b', '"a@b"', '"a:b"']) {
      expect(lax.decide({ ...stranger, recipient: `${localPart}@ours.example` }).decision).toBe('local');
      expect(lax.decide({ ...stranger, recipient: `${localPart}@backup.example` }).decision).toBe('relay');
      expect(lax.decide({ ...stranger, recipient: `${localPart}@victim.example` }).decision).toBe('deny');
      expect(lax.decide({ ...stranger, recipient: localPart }).decision).toBe('deny');
    }
    expect(lax.decide({ ...stranger, recipient: 'a@b@ours.example' }).reason).toBe('nested-address');
  });

  it('prefers local to relayed', () => {
    const both = new RelayAcl({ localDomains: ['.ours.example'], relayDomains: ['a.ours.example'] });
    expect(both.decide({ ...stranger, recipient: 'user@a.ours.example' }).decision).toBe('local');
  });

  it('takes sets as well as arrays, and no domain at all', () => {
    const closed = new RelayAcl({ localDomains: new Set<string>() });
    expect(closed.decide({ ...stranger, recipient: 'user@ours.example' }).decision).toBe('deny');
    expect(closed.decide({ ...stranger, recipient: 'postmaster' }).decision).toBe('local');
    expect(closed.decide({ ...member, recipient: 'user@ours.example' }).decision).toBe('relay');
  });

  it.each<[unknown, ErrorConstructor, string]>([
    [undefined, TypeError, 'RelayAcl: option "localDomains" must be a list of domains'],
    [{}, TypeError, 'option "localDomains"'],
    [{ localDomains: 'ours.example' }, TypeError, 'option "localDomains"'],
    [{ localDomains: [7] }, TypeError, 'option "localDomains"'],
    [{ localDomains: ['*.ours.example'] }, RangeError, 'RelayAcl: option "localDomains": "*.ours.example" is'],
    [{ localDomains: ['192.0.2.25'] }, RangeError, '"192.0.2.25"'],
    [{ localDomains: ['[192.0.2.256]'] }, RangeError, 'option "localDomains": "[192.0.2.256]"'],
    [{ localDomains: [], relayDomains: [''] }, RangeError, 'RelayAcl: option "relayDomains": "" is'],
    [{ localDomains: [], relayDomains: ['[192.0.2.25]'] }, RangeError, '"[192.0.2.25]"'],
    [{ localDomains: [], trustedNetworks: '10.0.0.0/8' }, TypeError, 'option "trustedNetworks"'],
    [{ localDomains: [], trustedNetworks: ['nonsense'] }, RangeError, 'option "trustedNetworks": "nonsense"'],
    [{ localDomains: [], trustedNetworks: ['10.0.0.0/33'] }, RangeError, 'bad-prefix-length'],
    [{ localDomains: [], trustedNetworks: ['10.1.2.3/8'] }, RangeError, 'an address inside 10.0.0.0/8'],
    [{ localDomains: [], trustedNetworks: ['0.0.0.0/0'] }, RangeError, 'open relay'],
    [{ localDomains: [], trustedNetworks: ['::/0'] }, RangeError, 'open relay'],
    [{ localDomains: [], trustedNetworks: ['::ffff:0:0/96'] }, RangeError, 'open relay'],
    [{ localDomains: [], allowRoutingCharacters: 'yes' }, TypeError, 'option "allowRoutingCharacters"'],
    [{ localDomains: [], trustedNetwork: [] }, TypeError, 'unknown option "trustedNetwork"'],
  ])('refuses the options %j', (options, error, message) => {
    // @ts-expect-error as a program without types would
    expect(() => new RelayAcl(options)).toThrow(error);
    // @ts-expect-error as a program without types would
    expect(() => new RelayAcl(options)).toThrow(message);
  });

  it('throws on a recipient that is no string: a mistake of the program, not of the client', () => {
    // @ts-expect-error as a program without types would
    expect(() => acl.decide({ ...member, recipient: undefined })).toThrow(TypeError);
  });
});
