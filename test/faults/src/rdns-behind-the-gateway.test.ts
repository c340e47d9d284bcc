import { CachingResolver, DnsClient } from '@postern/core';
import { type ReverseDnsOptions, reverseDns } from '@postern/rdns';
import { relayAcl } from '@postern/relay-acl';
import { DnsServer, SmtpDriver, type ZoneData } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { GatewayServer } from './gateway-server.ts';

/** Where the clients come from. */
const named = '127.0.0.10';
const pool = '127.0.0.11';
const nameless = '127.0.0.12';
const broken = '127.0.0.13';

const zone: ZoneData = {
  '10.0.0.127.in-addr.arpa': { PTR: 'mx.client.test' },
  'mx.client.test': { A: named },
  'client.test': { MX: '10 mx.client.test' },
  '11.0.0.127.in-addr.arpa': { PTR: 'dyn-127-0-0-11.pool.isp.test' },
  'dyn-127-0-0-11.pool.isp.test': { A: pool },
  'null.test': { MX: '0 .' },
};

interface Asked {
  readonly from: string;
  readonly helo?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly options?: ReverseDnsOptions;
}

/** What the client hears at RCPT, and the findings of the check in the report. */
async function rcpt(dns: DnsServer, { from, helo, sender, recipient, options }: Asked) {
  using client = new DnsClient({ servers: [dns.address], timeoutMs: 5_000 });
  const checks = [relayAcl({ localDomains: ['example.org'] }), reverseDns({ allowPrivateTargets: true, ...options })];
  await using gateway = await GatewayServer.start({ checks, resolver: new CachingResolver(client), deliver: () => {} });
  await using driver = await SmtpDriver.connect({ port: gateway.port, localAddress: from });
  await driver.reply();
  await driver.command(`EHLO ${helo ?? 'mx.client.test'}`);
  await driver.command(`MAIL FROM:<${sender ?? 'ann@client.test'}>`);
  const { code, text } = await driver.command(`RCPT TO:<${recipient ?? 'bob@example.org'}>`);
  await driver.command('RSET');
  const opinions = gateway.reports[0]?.opinions.filter(({ check }) => check === 'reverse-dns') ?? [];
  return { code, text, kinds: opinions.map(({ finding }) => finding.kind) };
}

describe('reverseDns behind a gateway', () => {
  it('lets a host with a name and an answerable sender in', async () => {
    await using dns = await DnsServer.start(zone);
    expect(await rcpt(dns, { from: named })).toMatchObject({
      code: 250,
      kinds: ['rdns/iprev-pass', 'rdns/helo-pass', 'rdns/sender-deliverable'],
    });
  });

  it.each<[string, Asked, RegExp]>([
    ['a client without a reverse name', { from: nameless }, /^5\.7\.25 /],
    [
      'a HELO that leads nowhere, when told to',
      { from: pool, helo: 'mx.missing.test', options: { rules: { heloUnresolvable: 'reject' } } },
      /^5\.7\.1 /,
    ],
    ['a HELO that is no name', { from: named, helo: '10.0.0.1' }, /^5\.5\.4 /],
    ['a HELO with another’s address', { from: named, helo: '[192.0.2.1]' }, /^5\.7\.1 /],
    ['a sender with a null MX', { from: named, sender: 'ann@null.test' }, /^5\.7\.27 /],
    ['a sender whose domain does not exist', { from: named, sender: 'ann@missing.test' }, /^5\.1\.8 /],
    ['a generic name, when told to', { from: pool, options: { rules: { genericName: 'reject' } } }, /^5\.7\.25 /],
  ])('refuses %s at RCPT', async (_, asked, text) => {
    await using dns = await DnsServer.start(zone);
    expect(await rcpt(dns, asked)).toMatchObject({ code: 550, text: expect.stringMatching(text) });
  });

  it('keeps postmaster reachable all the same (RFC 5321 §4.5.1)', async () => {
    await using dns = await DnsServer.start(zone);
    expect(await rcpt(dns, { from: nameless, recipient: 'postmaster@example.org' })).toMatchObject({ code: 250 });
  });

  it('takes the null reverse-path', async () => {
    await using dns = await DnsServer.start(zone);
    const asked = await rcpt(dns, { from: named, sender: '' });
    expect(asked).toMatchObject({ code: 250, kinds: ['rdns/iprev-pass', 'rdns/helo-pass'] });
  });

  it('lets mail in that it could not ask about, or defers it when told to', async () => {
    await using dns = await DnsServer.start(zone, { faults: [{ fault: 'servfail' }] });
    const kinds = ['rdns/iprev-temperror', 'rdns/helo-temperror', 'rdns/sender-unknown'];
    expect(await rcpt(dns, { from: broken })).toMatchObject({ code: 250, kinds });
    const options: ReverseDnsOptions = { rules: { senderUnknown: 'defer' } };
    expect(await rcpt(dns, { from: broken, options })).toMatchObject({
      code: 451,
      text: expect.stringMatching(/^4\.1\.8 /),
    });
  });
});
