import { once } from 'node:events';
import { RelayAcl } from '@postern/relay-acl';
import { createCertificate, SmtpDriver } from '@postern/testing';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// RelayAcl in a hook of smtp-server, which has no types for `session.user`: what onAuth gave, `undefined` of a stranger, and
// `false` of a stranger behind STARTTLS.

const acl = new RelayAcl({ localDomains: ['ours.example'] });
let server: SMTPServer;
let port: number;

beforeAll(async () => {
  const certificate = await createCertificate({ names: ['mx.ours.example'] });
  server = new SMTPServer({
    ...certificate,
    authOptional: true,
    hideENHANCEDSTATUSCODES: true,
    closeTimeout: 1,
    onAuth: ({ username }, _, callback) => callback(null, { user: username }),
    onRcptTo({ address }, { remoteAddress: ip, user }, callback) {
      const decision = acl.decide({ ip, user, recipient: address });
      if (decision.decision !== 'deny') return callback();
      const { code, enhanced, text } = decision.reply;
      callback(Object.assign(new Error(`${enhanced} ${text}`), { responseCode: code }));
    },
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));

describe('RelayAcl in a hook of smtp-server', () => {
  it.each([
    ['a stranger', false, false],
    ['a stranger behind STARTTLS', true, false],
    ['a user', true, true],
  ])('lets %s relay only with a login', async (_, tls, login) => {
    await using client = await SmtpDriver.connect({ port, timeoutMs: 15_000 });
    await client.reply();
    await client.command('EHLO client.example');
    if (tls) {
      expect(await client.startTls({ rejectUnauthorized: false })).toMatchObject({ code: 220 });
      await client.command('EHLO client.example');
    }
    if (login) {
      const plain = Buffer.from('\0ann\0password').toString('base64');
      expect(await client.command(`AUTH PLAIN ${plain}`)).toMatchObject({ code: 235 });
    }
    await client.command('MAIL FROM:<ann@client.example>');
    expect(await client.command('RCPT TO:<bob@ours.example>')).toMatchObject({ code: 250 });
    expect(await client.command('RCPT TO:<x@victim.example>')).toMatchObject({ code: login ? 250 : 550 });
  });
});
