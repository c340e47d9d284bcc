import { CachingResolver, DnsClient } from '@postern/core';
import { relayAcl } from '@postern/relay-acl';
import {
  generateDkimKey,
  type SenderAuthenticationOptions,
  type SenderResult,
  senderAuthentication,
  signDkim,
} from '@postern/spf-dmarc';
import { DnsServer, SmtpDriver, type ZoneData, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { GatewayServer } from './gateway-server.ts';

const key = await generateDkimKey({ domain: 'sender.test', selector: 's' });
const zone: ZoneData = {
  'sender.test': { TXT: 'v=spf1 ip4:127.0.0.10 -all' },
  [key.name]: { TXT: [[...key.strings]] },
  '_dmarc.sender.test': { TXT: 'v=DMARC1; p=reject; rua=mailto:dmarc@sender.test' },
};
const own = '127.0.0.10';
const stranger = '127.0.0.11';
const plain = 'From: ann@sender.test\r\nSubject: hi\r\n\r\nHello!\r\n';

interface Sent {
  readonly from: string;
  readonly message?: string;
  readonly options?: SenderAuthenticationOptions;
  readonly trustedNetworks?: readonly string[];
  /** The client goes away in the middle of the message. */
  readonly leaves?: boolean;
}

/** What the client heard last, what was delivered, and what was reported. */
async function send(dns: DnsServer, { from, message = plain, options = {}, trustedNetworks = [], leaves }: Sent) {
  using client = new DnsClient({ servers: [dns.address], timeoutMs: 10_000 });
  const results: SenderResult[] = [];
  let delivered: string | undefined;
  const gateway = await GatewayServer.start({
    checks: [
      relayAcl({ localDomains: ['example.org'], trustedNetworks }),
      senderAuthentication({ ...options, onResult: (result) => results.push(result) }),
    ],
    resolver: new CachingResolver(client),
    async deliver(_transaction, bytes) {
      delivered = '';
      for await (const chunk of bytes) delivered += Buffer.from(chunk).toString('latin1');
    },
  });
  let reply = { code: 0, text: '' };
  {
    await using driver = await SmtpDriver.connect({ port: gateway.port, localAddress: from, timeoutMs: 30_000 });
    await driver.reply();
    await driver.command('EHLO mail.sender.test');
    await driver.command('MAIL FROM:<ann@sender.test>');
    reply = await driver.command('RCPT TO:<bob@example.org>');
    if (reply.code === 250 && leaves) {
      await driver.command('DATA');
      await driver.send(message.slice(0, -10));
      driver.reset();
    } else if (reply.code === 250) {
      reply = await driver.data(message);
    }
  }
  await gateway[Symbol.asyncDispose]();
  return { reply, delivered, results, report: gateway.reports[0] };
}

function resultsIn(message: string | undefined): readonly string[] {
  const [field = ''] = message?.split(/\r\n(?![ \t])/) ?? [];
  return field.replace(/\r\n[ \t]+/g, ' ').split('; ');
}

describe('senderAuthentication behind a gateway', () => {
  it('lets in what its domain sent, and what it signed from anywhere', async () => {
    await using dns = await DnsServer.start(zone);
    const sent = await send(dns, { from: own });
    expect(sent.reply.code).toBe(250);
    expect(resultsIn(sent.delivered)).toContain('dkim=none');
    expect(resultsIn(sent.delivered)).toContain('dmarc=pass header.from=sender.test policy.dmarc=reject');

    const signed = await signDkim(Buffer.from(plain), {
      signatures: [{ domain: 'sender.test', selector: 's', key: key.privateKey }],
    });
    const message = signed.ok ? signed.header + plain : '';
    const forwarded = await send(dns, { from: stranger, message });
    expect(forwarded.reply.code).toBe(250);
    expect(resultsIn(forwarded.delivered)).toContain('spf=fail smtp.mailfrom=ann@sender.test');
    expect(forwarded.delivered).not.toContain('X-Postern-Quarantine');
    expect(forwarded.results).toMatchObject([{ outcome: 'accepted', disposition: 'none', dmarc: { result: 'pass' } }]);
  });

  it('marks what fails, and tells the reporter', async () => {
    await using dns = await DnsServer.start(zone);
    const { reply, delivered, results, report } = await send(dns, { from: stranger });
    expect(reply.code).toBe(250);
    expect(delivered).toContain('X-Postern-Quarantine: Neither SPF nor DKIM authenticated sender.test');
    expect(resultsIn(delivered)).toContain('dmarc=fail header.from=sender.test policy.dmarc=reject');
    expect(report).toMatchObject({ outcome: 'quarantined' });
    expect(results).toMatchObject([
      { outcome: 'quarantined', disposition: 'quarantine', overrides: [{ type: 'local_policy' }] },
    ]);
  });

  it('refuses when told to: at the message for DMARC, at the recipient for SPF', async () => {
    await using dns = await DnsServer.start(zone);
    const dmarc = await send(dns, { from: stranger, options: { onReject: 'reject' } });
    expect(dmarc).toMatchObject({
      reply: { code: 550, text: expect.stringMatching(/^5\.7\.26 /) },
      delivered: undefined,
    });
    expect(dmarc.results).toMatchObject([{ outcome: 'rejected', disposition: 'reject' }]);
    const spf = await send(dns, { from: stranger, options: { onSpfFail: 'reject' } });
    expect(spf).toMatchObject({ reply: { code: 550, text: expect.stringMatching(/^5\.7\.23 /) }, results: [] });
  });

  it('defers when DNS is down, and holds it against nobody when told so', async () => {
    await using dns = await DnsServer.start(zone, { faults: [{ fault: 'servfail' }] });
    const deferred = await send(dns, { from: own });
    expect(deferred.reply).toMatchObject({ code: 451, text: expect.stringMatching(/^4\.7\.24 /) });
    const options = { onSpfTempError: 'ignore', onDmarcTempError: 'ignore' } as const;
    const taken = await send(dns, { from: own, options });
    expect(taken.reply.code).toBe(250);
    expect(resultsIn(taken.delivered).some((result) => result.startsWith('dmarc=temperror'))).toBe(true);
  });

  it('leaves out clients of trusted networks', async () => {
    await using dns = await DnsServer.start(zone);
    const { reply, delivered, results } = await send(dns, { from: stranger, trustedNetworks: ['127.0.0.11'] });
    expect(reply.code).toBe(250);
    expect(resultsIn(delivered)).toEqual(['Authentication-Results: mx.example.org', 'none']);
    expect(results).toEqual([]);
  });

  it('judges each transaction of a session by itself', async () => {
    const results: SenderResult[] = [];
    const gateway = await GatewayServer.start({
      checks: [
        relayAcl({ localDomains: ['example.org'] }),
        senderAuthentication({ onResult: (result) => results.push(result) }),
      ],
      resolver: new ZoneResolver({
        ...zone,
        'other.test': { TXT: 'v=spf1 +all' },
        'mail.sender.test': { TXT: 'v=spf1 -all' },
      }),
      async deliver(_transaction, bytes) {
        for await (const _ of bytes);
      },
    });
    {
      await using driver = await SmtpDriver.connect({ port: gateway.port, localAddress: own, timeoutMs: 30_000 });
      await driver.reply();
      await driver.command('EHLO mail.sender.test');
      await driver.command('MAIL FROM:<ann@sender.test>');
      await driver.command('RCPT TO:<bob@example.org>');
      await driver.command('RSET');
      for (const sender of ['x@other.test', '', 'ann@sender.test']) {
        await driver.command(`MAIL FROM:<${sender}>`);
        await driver.command('RCPT TO:<bob@example.org>');
        expect((await driver.data(plain)).code).toBe(250);
      }
    }
    await gateway[Symbol.asyncDispose]();
    expect(results).toMatchObject([
      { mailFrom: 'x@other.test', spf: { result: 'pass', domain: 'other.test' }, dmarc: { result: 'fail' } },
      {
        mailFrom: '',
        spf: { result: 'fail', identity: 'helo', domain: 'mail.sender.test' },
        dmarc: { result: 'fail' },
      },
      { mailFrom: 'ann@sender.test', spf: { result: 'pass', domain: 'sender.test' }, dmarc: { result: 'pass' } },
    ]);
  });

  it.each([
    ['two From fields', 'From: x@other.test\r\nFrom: ann@sender.test'],
    ['one with space before its colon', 'From : ann@sender.test\r\nFrom: x@other.test'],
    ['several authors', 'From: x@other.test, ann@sender.test'],
    ['a group of nobody', 'From: "ann@sender.test" : ;'],
    ['a comment', 'From: (ann@sender.test) x@other.test'],
    ['no From field', ' From: ann@sender.test'],
  ])('is not got around by %s', async (_, from) => {
    await using dns = await DnsServer.start(zone);
    const { reply, report } = await send(dns, { from: stranger, message: `${from}\r\nSubject: hi\r\n\r\nHello!\r\n` });
    expect(reply.code).toBe(250);
    expect(report).toMatchObject({ outcome: 'quarantined' });
  });

  it('forgets a client who leaves in the middle of the message', async () => {
    await using dns = await DnsServer.start(zone);
    const { delivered, results, report } = await send(dns, { from: own, leaves: true });
    expect(delivered).toBeUndefined();
    expect(results).toEqual([]);
    expect(report).toMatchObject({ outcome: 'aborted' });
  });
});
