import { relayAcl } from '@postern/relay-acl';
import { dkimSigning, generateDkimKey, verifyDkim } from '@postern/spf-dmarc';
import { SmtpDriver, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { GatewayServer } from './gateway-server.ts';

const key = await generateDkimKey({ domain: 'example.org', selector: 's', algorithm: 'ed25519-sha256' });
const resolver = new ZoneResolver({ [key.name]: { TXT: key.record } });
const signature = { domain: 'example.org', selector: 's', key: key.privateKey } as const;
const own = '127.0.0.10';
const stranger = '127.0.0.11';

/** What was delivered of a message, and what the check found. */
async function send(message: string, { from = own, reversePath = 'ann@example.org' } = {}) {
  const delivered: Uint8Array[] = [];
  await using gateway = await GatewayServer.start({
    bareNewlines: 'normalize',
    checks: [
      relayAcl({ localDomains: ['example.org'], trustedNetworks: [own] }),
      dkimSigning({
        signatures: [signature, { ...signature, canonicalization: 'simple/simple', headers: ['From', 'To', 'X-Odd'] }],
      }),
    ],
    resolver,
    async deliver(_transaction, bytes) {
      for await (const chunk of bytes) delivered.push(chunk.slice());
    },
  });
  await using driver = await SmtpDriver.connect({ port: gateway.port, localAddress: from, timeoutMs: 60_000 });
  await driver.reply();
  await driver.command('EHLO client.example.org');
  await driver.command(`MAIL FROM:<${reversePath}>`);
  await driver.command('RCPT TO:<bob@example.org>');
  const reply = await driver.data(Buffer.from(message, 'latin1'));
  await driver.command('QUIT');
  expect(reply.code).toBe(250);
  const bytes = Buffer.concat(delivered);
  const results = await verifyDkim(bytes, { resolver });
  return { text: bytes.toString('latin1'), results: results.map(({ result }) => result) };
}

describe('dkimSigning behind a gateway', () => {
  it.each([
    ['plain', 'From: ann@example.org\r\nTo: bob@example.org\r\n\r\nHello\r\n'],
    [
      'folded oddly',
      'from : Ann\r\n\t<ann@example.org>\r\nX-Odd:\r\n \r\n  a\t b \r\nX-Odd:\r\nX-Odd: \xe4\r\n\r\nx \r\n\r\n\r\n',
    ],
    ['without a body', 'From: ann@example.org\r\nTo: bob@example.org\r\n'],
    ['with a header that breaks off', 'From: ann@example.org\r\nno field\r\nTo: bob@example.org\r\n\r\nx\r\n'],
    ['with bare newlines', 'From: ann@example.org\nX-Odd: a\n b\n\nHello\rworld\n.\n'],
    [
      'with fields that the gateway takes away',
      'Authentication-Results: mx.example.org; dkim=pass\r\nX-Postern-Quarantine: x\r\nFrom: ann@example.org\r\n\r\nx\r\n',
    ],
  ])('signs a message %s so that it arrives signed', async (_what, message) => {
    const { text, results } = await send(message);
    expect(text).toMatch(/^Authentication-Results: mx\.example\.org/);
    expect(results).toEqual(['pass', 'pass']);
  });

  it('signs bounces of its own, which have no reverse-path', async () => {
    const bounce = 'From: MAILER-DAEMON@example.org\r\nTo: ann@example.org\r\n\r\nSorry\r\n';
    expect((await send(bounce, { reversePath: '' })).results).toEqual(['pass', 'pass']);
  });

  it('signs for no stranger, and for no author whom it cannot tell', async () => {
    const forged = 'From: ann@example.org\r\nTo: bob@example.org\r\n\r\nPay me\r\n';
    for (const message of [
      { message: forged, from: stranger },
      { message: `From: eve@example.net\r\n${forged}` },
      { message: forged.replace('ann@example.org', 'ann@example.org, eve@example.net') },
      { message: forged.replace('ann@example.org', '"ann@example.org" <eve@example.net>') },
      { message: forged.replace('From:', 'X: y\r\n.From :') },
    ]) {
      const { text, results } = await send(message.message, message);
      expect(results).toEqual([]);
      expect(text).not.toContain('DKIM-Signature:');
    }
  });
});
