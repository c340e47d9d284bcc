import {
  type CheckRun,
  type Context,
  isOpinion,
  isRecipientOpinion,
  mailboxPath,
  type Opinion,
  type RecipientOpinion,
  type Session,
  type Store,
  systemClock,
} from '@postern/core';
import { sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { RelayAcl, type RelayAclOptions } from './relay-acl.ts';
import { relayAcl } from './relay-acl-check.ts';

const options: RelayAclOptions = { localDomains: ['ours.example'], trustedNetworks: ['198.51.100.0/24'] };

/** This check keeps nothing. */
const noStore: Store = new Proxy<Store>(Object.create(null), {
  get: (_, name) => {
    throw new TypeError(`the store's ${String(name)} was used`);
  },
});
const context: Context = { resolver: new ZoneResolver(), store: noStore, clock: systemClock };
const { signal } = new AbortController();

function start(session: Session, made: Parameters<typeof relayAcl>[0] = options): CheckRun {
  const run = relayAcl(made).start(session, context);
  if (run === undefined) throw new TypeError('the check did not start');
  return run;
}

async function connect(session: Session): Promise<Opinion | undefined> {
  const opinion = await start(session).connect?.(signal);
  if (opinion !== undefined && !isOpinion(opinion)) throw new TypeError('not an opinion');
  return opinion;
}

async function recipient(session: Session, address: string): Promise<RecipientOpinion> {
  const transaction = sampleTransaction({ session, reversePath: mailboxPath('user@ours.example') });
  const opinion = await start(session).recipient?.(transaction, mailboxPath(address), signal);
  if (!isRecipientOpinion(opinion)) throw new TypeError('not an opinion about a recipient');
  return opinion;
}

describe('relayAcl', () => {
  it('is a local guard for everyone', () => {
    const check = relayAcl(options);
    expect(check).toMatchObject({ name: 'relay-acl', cost: 'local', appliesTo: 'everyone', guards: true });
    expect(relayAcl(new RelayAcl(options))).toMatchObject({ name: 'relay-acl', guards: true });
  });

  it('trusts clients of trusted networks when they connect, and says nothing of others', async () => {
    expect(await connect(sampleSession('198.51.100.7'))).toEqual({
      finding: {
        kind: 'relay-acl/trusted',
        summary: 'The client stands in the trusted network 198.51.100.0/24.',
        matched: '198.51.100.0/24',
      },
      trust: true,
    });
    expect(await connect(sampleSession('203.0.113.9'))).toBeUndefined();
    expect(await connect(sampleSession('127.0.0.1'))).toBeUndefined();
    expect(await connect(sampleSession('/run/socket'))).toBeUndefined();
  });

  it('permits local recipients', async () => {
    expect(await recipient(sampleSession('203.0.113.9'), 'User@Ours.example')).toEqual({
      finding: {
        kind: 'relay-acl/local',
        summary: 'ours.example is a local domain (ours.example).',
        recipient: 'User@Ours.example',
        decision: 'local',
        reason: 'local-domain',
        matched: 'ours.example',
      },
      permit: 'local',
    });
    expect((await recipient(sampleSession('203.0.113.9'), 'postmaster')).permit).toBe('local');
  });

  it('permits users and trusted clients to relay', async () => {
    expect(await recipient(sampleSession('203.0.113.9', { user: 'alice' }), 'user@victim.example')).toMatchObject({
      finding: { kind: 'relay-acl/relay', reason: 'authenticated', matched: 'alice' },
      permit: 'relay',
    });
    expect(await recipient(sampleSession('198.51.100.7'), 'user@victim.example')).toMatchObject({
      finding: { kind: 'relay-acl/relay', reason: 'trusted-network' },
      permit: 'relay',
    });
  });

  it.each([
    ['user@victim.example', 'relay-denied'],
    ['user%victim.example@ours.example', 'percent-hack'],
    ['victim.example!user@ours.example', 'bang-path'],
    ['"user@victim.example"@ours.example', 'quoted-route'],
    ['user@ours.example.', 'trailing-dot'],
    ['user@[127.0.0.1]', 'address-literal'],
  ])('refuses %s with 550 5.7.1: %s', async (address, reason) => {
    const opinion = await recipient(sampleSession('203.0.113.9'), address);
    expect(opinion).toMatchObject({
      finding: { kind: 'relay-acl/denied', recipient: address, decision: 'deny', reason },
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.7.1' },
    });
    expect(opinion.permit).toBeUndefined();
  });

  it('does not relay because some other check trusts the client, unless it is told to', async () => {
    const trusted = sampleSession('203.0.113.9', { trusted: true });
    expect((await recipient(trusted, 'user@victim.example')).verdict).toBe('reject');
    const ask = async (address: string, session: Session = trusted): Promise<RecipientOpinion | undefined> =>
      start(session, { ...options, relayForTrusted: true }).recipient?.(
        sampleTransaction({ session }),
        mailboxPath(address),
        signal,
      );
    expect(await ask('user@victim.example')).toMatchObject({
      finding: { kind: 'relay-acl/relay', reason: 'trusted-client', recipient: 'user@victim.example' },
      permit: 'relay',
    });
    for (const address of [
      'user%victim.example@ours.example',
      'user@[127.0.0.1]',
      'user@victim.example.',
      '@a:b@c.example',
    ]) {
      expect(await ask(address), address).toMatchObject({ verdict: 'reject' });
    }
    expect(await ask('user@victim.example', sampleSession('203.0.113.9'))).toMatchObject({ verdict: 'reject' });
  });

  it('defers when nobody knows whether a domain is ours', async () => {
    const localDomains = async (): Promise<boolean> => {
      throw new Error('no database');
    };
    const run = start(sampleSession('203.0.113.9'), { localDomains });
    expect(await run.recipient?.(sampleTransaction(), mailboxPath('user@ours.example'), signal)).toMatchObject({
      finding: { kind: 'relay-acl/lookup-failed', reason: 'lookup-failed' },
      verdict: 'defer',
      reply: { code: 451, enhanced: '4.3.0' },
    });
  });

  it('takes a local part beyond ASCII only of a client that says SMTPUTF8', async () => {
    const ask = async (parameters: Record<string, true>): Promise<RecipientOpinion | undefined> => {
      const reversePath = mailboxPath('ann@client.example', parameters);
      const transaction = sampleTransaction({ reversePath });
      return start(sampleSession()).recipient?.(transaction, mailboxPath('dörte@ours.example'), signal);
    };
    expect(await ask({ SMTPUTF8: true })).toMatchObject({ permit: 'local' });
    expect(await ask({})).toMatchObject({ finding: { reason: 'non-ascii-local-part' }, verdict: 'reject' });
  });

  it('refuses a client without an address', async () => {
    const opinion = await recipient(sampleSession('/run/socket', { user: 'alice' }), 'user@ours.example');
    expect(opinion).toMatchObject({ finding: { reason: 'client-address' }, verdict: 'reject' });
  });

  it('quotes no endless recipient', async () => {
    const { finding } = await recipient(sampleSession('203.0.113.9'), `${'x'.repeat(100_000)}@ours.example`);
    expect(finding['recipient']).toHaveLength(320);
  });

  it('refuses wrong options when it is made', () => {
    // @ts-expect-error as a program without types would
    expect(() => relayAcl({})).toThrow('RelayAcl: option "localDomains"');
    // @ts-expect-error as a program without types would
    expect(() => relayAcl()).toThrow('RelayAcl: option "localDomains"');
    // @ts-expect-error as a program without types would
    expect(() => relayAcl({ ...options, recipient: [] })).toThrow(
      'relayAcl: unknown option "recipient"; it takes "local',
    );
    const acl = new RelayAcl(options);
    // @ts-expect-error as a program without types would
    expect(() => relayAcl(acl, { localDomains: [] })).toThrow('relayAcl: unknown option "localDomains"');
    // @ts-expect-error as a program without types would
    expect(() => relayAcl(options, { recipients: [] })).toThrow('relayAcl: all options go into one object');
    expect(() => relayAcl(acl, { lookupTimeoutMs: 0 })).toThrow('relayAcl: option "lookupTimeoutMs"');
  });
});
