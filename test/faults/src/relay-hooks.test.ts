import type { Check } from '@postern/core';
import { type SmtpBackend, smtpBackend } from '@postern/gateway';
import { askBackend, type RelayAclHooks, relayAcl, rememberRecipients } from '@postern/relay-acl';
import { SmtpDriver, SmtpSink } from '@postern/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayServer } from './gateway-server.ts';

let sink: SmtpSink;
let backend: SmtpBackend;

beforeEach(async () => {
  sink = await SmtpSink.start();
  backend = smtpBackend({ host: '127.0.0.1', port: sink.port });
});

afterEach(async () => {
  await backend.close();
  await sink.close();
});

/** Believes everyone who has a password. */
const logins: Check = {
  name: 'logins',
  cost: 'local',
  start: () => ({
    authenticate: ({ user }) => ({ finding: { kind: 'test/login', summary: 'A login.' }, user }),
  }),
};

function serve(hooks: RelayAclHooks): Promise<GatewayServer> {
  const checks = [logins, relayAcl({ localDomains: ['example.org'], ...hooks })];
  return GatewayServer.start({ checks, deliver: backend }, { allowInsecureAuth: true });
}

async function connect({ port }: GatewayServer, user?: string): Promise<SmtpDriver> {
  const client = await SmtpDriver.connect({ port, timeoutMs: 15_000 });
  await client.reply();
  await client.command('EHLO client.example');
  if (user !== undefined) {
    const login = Buffer.from(`\0${user}\0password`).toString('base64');
    expect(await client.command(`AUTH PLAIN ${login}`)).toMatchObject({ code: 235 });
  }
  return client;
}

describe('senders of users, through a gateway', () => {
  const hooks: RelayAclHooks = { senders: { ann: ['ann@example.org'] } };

  it('refuses the recipients of a sender address that is not the user’s', async () => {
    await using gateway = await serve(hooks);
    await using client = await connect(gateway, 'ann');
    await client.command('MAIL FROM:<boss@example.org>');
    expect(await client.command('RCPT TO:<x@elsewhere.example>')).toMatchObject({ code: 550, enhanced: '5.7.1' });
    await client.command('RSET');
    await client.command('MAIL FROM:<ann@example.org>');
    expect(await client.command('RCPT TO:<x@elsewhere.example>')).toMatchObject({ code: 250 });
  });

  it.each([
    ['From: Boss <boss@example.org>', 550],
    ['From: =?utf-8?q?boss=40example.org?=@example.org', 554],
    ['From: ann@example.org\r\nFrom: boss@example.org', 554],
    ['From: ann@example.org\r\nnot a field\r\nFrom: boss@example.org', 250],
    ['From: Ann <ann@example.org>', 250],
  ])('judges the message: %j gets %i', async (header, code) => {
    await using gateway = await serve(hooks);
    await using client = await connect(gateway, 'ann');
    await client.command('MAIL FROM:<>');
    await client.command('RCPT TO:<x@elsewhere.example>');
    expect(await client.data(`${header}\r\n\r\nHello\r\n`)).toMatchObject({ code });
    expect(sink.messages).toHaveLength(code === 250 ? 1 : 0);
    // Behind a line that is no field there is no header any more, for nobody.
    const [, ...rest] = String(sink.messages[0]?.message ?? '').split('\r\n\r\n');
    expect(rest.join('\r\n\r\n').includes('boss')).toBe(header.includes('not a field'));
  });

  it('tells a user to come back when nobody knows', async () => {
    await using gateway = await serve({ senders: () => Promise.reject(new Error('secret of the database')) });
    await using client = await connect(gateway, 'ann');
    await client.command('MAIL FROM:<ann@example.org>');
    const reply = await client.command('RCPT TO:<x@elsewhere.example>');
    expect(reply).toMatchObject({ code: 451, enhanced: '4.3.0' });
    expect(reply.text).not.toContain('secret');
  });

  it('asks nobody about strangers', async () => {
    await using gateway = await serve(hooks);
    await using client = await connect(gateway);
    await client.command('MAIL FROM:<boss@example.org>');
    await client.command('RCPT TO:<bob@example.org>');
    expect(await client.data('From: boss@example.org\r\n\r\nHello\r\n')).toMatchObject({ code: 250 });
  });
});

describe('recipients, asked of a server', () => {
  let users: SmtpSink;
  let callout: SmtpBackend;

  beforeEach(async () => {
    users = await SmtpSink.start({
      faults: [{ stage: 'rcpt', match: 'eve@example.org', fault: 'reply', reply: '550 5.1.1 Nobody' }],
    });
    callout = smtpBackend({ host: '127.0.0.1', port: users.port });
  });

  afterEach(async () => {
    await callout.close();
    await users.close();
  });

  it('exist or not as that server says, which is asked once and gets no message', async () => {
    await using gateway = await serve({ recipients: rememberRecipients(askBackend(callout)) });
    for (let times = 0; times < 2; times++) {
      await using client = await connect(gateway);
      await client.command('MAIL FROM:<ann@client.example>');
      expect(await client.command('RCPT TO:<eve@example.org>')).toMatchObject({ code: 550, enhanced: '5.1.1' });
      expect(await client.command('RCPT TO:<bob@example.org>')).toMatchObject({ code: 250 });
      expect(await client.data('Subject: hi\r\n\r\nHello\r\n')).toMatchObject({ code: 250 });
      await client.command('QUIT');
    }
    expect(users.transactions.map(({ reversePath }) => reversePath.address)).toEqual(['', '']);
    expect(users.transactions.some(({ dataStarted }) => dataStarted)).toBe(false);
    expect(sink.messages).toHaveLength(2);
    expect(sink.transactions.flatMap(({ recipients }) => recipients.map(({ address }) => address))).not.toContain(
      'eve@example.org',
    );
  });

  it('are neither there nor not there when that server cannot be asked', async () => {
    users.setFaults([{ stage: 'connect', fault: 'close' }]);
    await using gateway = await serve({ recipients: askBackend(callout) });
    await using client = await connect(gateway);
    await client.command('MAIL FROM:<ann@client.example>');
    expect(await client.command('RCPT TO:<bob@example.org>')).toMatchObject({ code: 451, enhanced: '4.3.0' });
    users.setFaults([]);
    expect(await client.command('RCPT TO:<bob@example.org>')).toMatchObject({ code: 250 });
  });

  it('end the session of a stranger who asks for too many that are not there', async () => {
    await using gateway = await serve({ recipients: [], maxUnknownRecipients: 2 });
    await using client = await connect(gateway);
    await client.command('MAIL FROM:<ann@client.example>');
    for (const name of ['a', 'b']) {
      expect(await client.command(`RCPT TO:<${name}@example.org>`)).toMatchObject({ code: 550, enhanced: '5.1.1' });
    }
    expect(await client.command('RCPT TO:<c@example.org>')).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect(await client.closed).toBe('end');
  });

  it('count when the gateway’s own backend refuses them', async () => {
    sink.setFaults([{ stage: 'rcpt', fault: 'reply', reply: '550 5.1.1 Nobody' }]);
    await using gateway = await serve({ maxUnknownRecipients: 2 });
    await using client = await connect(gateway);
    for (const name of ['a', 'b', 'c']) {
      await client.command('MAIL FROM:<ann@client.example>');
      expect(await client.command(`RCPT TO:<${name}@example.org>`)).toMatchObject({ code: 550, enhanced: '5.1.1' });
      await client.command('RSET');
    }
    await client.command('MAIL FROM:<ann@client.example>');
    expect(await client.command('RCPT TO:<d@example.org>')).toMatchObject({ code: 421, enhanced: '4.7.0' });
  });
});
