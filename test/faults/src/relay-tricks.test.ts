import { once } from 'node:events';
import { type Backend, mailboxPath, replyOf } from '@postern/core';
import { probeOpenRelay, type RelayTrick, relayAcl, relayTricks, type TrickNames } from '@postern/relay-acl';
import { SmtpDriver } from '@postern/testing';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayServer } from './gateway-server.ts';

const names: TrickNames = { ours: 'ours.example', victim: 'victim.example', ip: '127.0.0.1' };

/** Who the gateway's backend was asked about. */
const asked: string[] = [];
/** Takes whatever comes, so that nobody but the gateway stands between a trick and the victim. */
const careless: Backend = {
  begin: () => ({
    recipient: async ({ address }) => {
      asked.push(address);
      return replyOf(250, '2.1.5', 'Ok');
    },
    message: async () => ({ outcome: 'delivered', reply: replyOf(250, '2.0.0', 'Ok') }),
    abort: () => {},
  }),
};

let gateway: GatewayServer;

beforeAll(async () => {
  const checks = [relayAcl({ localDomains: [names.ours], maxUnknownRecipients: 1_000 })];
  gateway = await GatewayServer.start({ checks, deliver: careless });
});

afterAll(() => gateway[Symbol.asyncDispose]());

/** The reply to RCPT, or to MAIL when that is refused. */
async function play(trick: RelayTrick): Promise<number> {
  await using client = await SmtpDriver.connect({ port: gateway.port, timeoutMs: 15_000 });
  await client.reply();
  await client.command('EHLO client.example');
  const mailFrom = trick.mailFrom?.(names) ?? `<relay-test@${names.victim}>`;
  const mail = await client.command(`MAIL FROM:${mailFrom}`);
  if (mail.code !== 250) return mail.code;
  const parameters = trick.parameters?.(names);
  const rcpt = trick.rcptTo(names) + (parameters === undefined ? '' : ` ${parameters}`);
  return (await client.command(`RCPT TO:${rcpt}`)).code;
}

describe('the gateway behind a socket', () => {
  const played = relayTricks.filter(({ replies }) => replies !== undefined);

  it.concurrent.each(played)('$name gets $replies', async (trick) => {
    expect(await play(trick)).toBe(trick.replies);
  });

  it('never asks its backend about anyone but its own users', async () => {
    const trick = relayTricks.find(({ name }) => name === 'capitals');
    if (trick !== undefined) await play(trick);
    expect(asked.length).toBeGreaterThan(0);
    for (const address of asked) {
      if (address.toLowerCase() !== 'postmaster') expect(mailboxPath(address).domain, address).toBe(names.ours);
    }
  });
});

describe('probeOpenRelay', { timeout: 60_000 }, () => {
  const { ours, victim } = names;
  const host = '127.0.0.1';

  it('finds nothing that the gateway relays', async () => {
    const result = await probeOpenRelay({ host, port: gateway.port, ours, victim, tricksPerConnection: 50 });
    // Although its backend takes everyone: what smtp-server cuts down to a mailbox of ours goes to that mailbox alone.
    expect(result).toMatchObject({ status: 'closed', accepted: [], doubtful: [], unknown: [] });
    expect(result.control).toMatchObject({ outcome: 'accepted' });
  });

  it('finds a gateway closed that knows its users', async () => {
    const checks = [relayAcl({ localDomains: [ours], recipients: [], maxUnknownRecipients: 1_000 })];
    await using careful = await GatewayServer.start({ checks, deliver: careless });
    const result = await probeOpenRelay({ host, port: careful.port, ours, victim });
    expect(result).toMatchObject({ status: 'closed', accepted: [], doubtful: [], unknown: [] });
  });

  it('gets through although the gateway ends sessions that ask for too many unknown recipients', async () => {
    const checks = [relayAcl({ localDomains: [ours], recipients: [], maxUnknownRecipients: 1 })];
    await using careful = await GatewayServer.start({ checks, deliver: careless });
    const result = await probeOpenRelay({ host, port: careful.port, ours, victim, tricksPerConnection: 30 });
    expect(result).toMatchObject({ status: 'closed', accepted: [], unknown: [] });
  });

  it('finds a gateway open that trusts whoever comes', async () => {
    const checks = [relayAcl({ localDomains: [ours], trustedNetworks: ['127.0.0.0/8'] })];
    await using trusting = await GatewayServer.start({ checks, deliver: careless });
    const result = await probeOpenRelay({ host, port: trusting.port, ours, victim, tricksPerConnection: 50 });
    expect(result.status).toBe('open');
    expect(result.accepted.map(({ name }) => name)).toContain('plain');
  });

  it('finds a server open that asks nobody', async () => {
    const server = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], closeTimeout: 1 });
    server.listen(0, host);
    await once(server.server, 'listening');
    try {
      const address = server.server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const result = await probeOpenRelay({ host, port, ours, victim });
      expect(result.status).toBe('open');
      expect(result.accepted.map(({ name }) => name)).toEqual(expect.arrayContaining(['plain', 'sender-null']));
    } finally {
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    }
  });
});
