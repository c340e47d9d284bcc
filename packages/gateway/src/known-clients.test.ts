import { type Check, type LoginAttempt, mailboxPath } from '@postern/core';
import { describe, expect, it } from 'vitest';
import type { GatewayOptions } from './gateway-options.ts';
import { type Anything, bench, check, misdeeds, opinion, permits, sendMessage, upTo } from './test-bench.ts';

const rejects = { code: 550, enhanced: '5.7.1', text: 'No' } as const;
const login: LoginAttempt = { mechanism: 'PLAIN', user: 'ann', password: 'secret' };

describe('strangers', () => {
  const auth = check('auth', {
    authenticate: (attempt) =>
      attempt.mechanism === 'PLAIN' && attempt.password === 'secret'
        ? opinion({ user: attempt.user, authResults: [{ method: 'auth', result: 'pass' }] })
        : undefined,
  });
  const listed = check(
    'listed',
    { connect: () => opinion({ verdict: 'reject', reply: rejects, score: 50 }) },
    { appliesTo: 'strangers' },
  );

  it('lifts what speaks of strangers only when the client logs in', async () => {
    const { open, reports } = bench([auth, listed, permits], { thresholds: { reject: 10 } });
    const session = open();
    expect((await upTo(session)).recipient.code).toBe(550);
    session.reset();
    expect(await session.authenticate(login)).toMatchObject({ code: 235, enhanced: '2.7.0' });
    expect((await upTo(session)).recipient.code).toBe(250);
    expect((await sendMessage(session)).code).toBe(250);
    session.close();
    expect(reports.map((report) => [report.outcome, report.score, report.session.user])).toEqual([
      ['rejected', 50, undefined],
      ['accepted', 0, 'ann'],
    ]);
  });

  it('lifts nothing that speaks of everyone', async () => {
    const { open } = bench([auth, { ...listed, appliesTo: 'everyone' }, permits]);
    const session = open();
    await session.connect();
    await session.helo('a', true);
    await session.authenticate(login);
    expect((await upTo(session)).recipient.code).toBe(550);
  });

  it('does not ask checks about strangers of a client that is none', async () => {
    let asked = 0;
    const nosy = check(
      'nosy',
      {
        mail: () => {
          asked += 1;
          return undefined;
        },
      },
      { appliesTo: 'strangers' },
    );
    const session = bench([auth, nosy, permits]).open();
    await upTo(session);
    expect(asked).toBe(1);
    session.reset();
    await session.authenticate(login);
    await upTo(session);
    expect(asked).toBe(1);
  });

  it('takes a client of a trusted network for no stranger, from the very stage on', async () => {
    const trust = check('trust', { connect: () => opinion({ trust: true }) });
    for (const checks of [
      [trust, listed, permits],
      [listed, trust, permits],
    ]) {
      const { open, reports } = bench(checks);
      const session = open();
      expect((await upTo(session)).recipient.code).toBe(250);
      session.close();
      expect(reports[0]?.session.trusted).toBe(true);
    }
  });

  it('asks everyone-checks of the network although a stranger is refused, if a login can lift that', async () => {
    const everyone = check('everyone', { connect: async () => opinion({ verdict: 'reject' }) }, { cost: 'network' });
    const session = bench([auth, listed, everyone, permits]).open();
    await session.connect();
    await session.helo('a', true);
    await session.authenticate(login);
    expect((await upTo(session)).recipient.code).toBe(550);

    let asked = 0;
    const counts = check(
      'counts',
      {
        connect: () => {
          asked += 1;
          return undefined;
        },
      },
      { cost: 'network' },
    );
    await bench([listed, counts, permits]).open().connect();
    expect(asked).toBe(0);
  });

  it('forgets the login and the HELO at STARTTLS', async () => {
    const session = bench([auth, listed, permits]).open();
    await session.connect();
    await session.helo('a', true);
    await session.authenticate(login);
    session.startTls({ protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', servername: undefined });
    expect(session.facts).toMatchObject({ user: undefined, helo: undefined, tls: { protocol: 'TLSv1.3' } });
    expect((await session.mail(mailboxPath(''))).code).toBe(503);
    expect((await upTo(session)).recipient.code).toBe(550);
  });
});

describe('logins', () => {
  const auth = (answer: () => Anything, more: Partial<Check> = {}) => check('auth', { authenticate: answer }, more);
  const attempt = async (checks: readonly Check[], options: Partial<GatewayOptions> = {}) => {
    const { open, reports } = bench(checks, options);
    const session = open();
    await session.connect();
    await session.helo('a', true);
    return { session, reports, reply: await session.authenticate(login) };
  };

  it('fails when nobody says who it is', async () => {
    expect((await attempt([auth(() => undefined)])).reply).toMatchObject({ code: 535, enhanced: '5.7.8' });
    expect((await attempt([auth(() => opinion())])).reply.code).toBe(535);
  });

  it('fails when one check refuses, whoever names a user', async () => {
    const names = auth(() => opinion({ user: 'ann' }));
    const throttles = check('throttle', {
      authenticate: () => opinion({ verdict: 'defer', reply: { code: 454, enhanced: '4.7.0', text: 'Later' } }),
    });
    for (const checks of [
      [names, throttles],
      [throttles, names],
    ]) {
      const { reply, session } = await attempt(checks);
      expect(reply).toMatchObject({ code: 454, enhanced: '4.7.0' });
      expect(session.facts.user).toBeUndefined();
    }
  });

  it.each(Object.entries(misdeeds))('defers when a check %s', async (_misdeed, act) => {
    const { reply, session } = await attempt([auth(act)], { stageTimeoutMs: 5 });
    expect(reply.code).toBe(451);
    expect(session.facts.user).toBeUndefined();
  });

  it('ends the session after too many failures', async () => {
    const { session, reply } = await attempt([auth(() => undefined)], { maxFailedLogins: 2 });
    expect(reply.code).toBe(535);
    expect((await session.authenticate(login)).code).toBe(421);
    expect(session.farewell?.enhanced).toBe('4.7.0');
  });

  it('is offered only where some check judges it, and neither twice nor within a transaction', async () => {
    expect(bench([permits]).open().judgesLogins).toBe(false);
    expect((await attempt([permits])).reply.code).toBe(503);
    const { session } = await attempt([auth(() => opinion({ user: 'ann' }))]);
    expect(session.judgesLogins).toBe(true);
    expect((await session.authenticate(login)).code).toBe(503);
    const other = bench([auth(() => opinion({ user: 'ann' }))]).open();
    await other.connect();
    await other.helo('a', true);
    await other.mail(mailboxPath('a@b.example'));
    expect((await other.authenticate(login)).code).toBe(503);
  });

  it('is required on a submission service', async () => {
    const { session, reply } = await attempt([auth(() => undefined), permits], { service: 'submission' });
    expect(reply.code).toBe(535);
    expect(await session.mail(mailboxPath('a@b.example'))).toMatchObject({ code: 530, enhanced: '5.7.0' });
    const good = await attempt([auth(() => opinion({ user: 'ann' })), permits], { service: 'submission' });
    expect((await good.session.mail(mailboxPath('a@b.example'))).code).toBe(250);
  });

  it('never leaves a password in a report', async () => {
    const { session, reports } = await attempt([auth(() => opinion())]);
    session.close();
    expect(JSON.stringify(reports)).not.toContain('secret');
    const opinions = [
      { check: 'auth', stage: 'authenticate' },
      { check: 'gateway', finding: { kind: 'gateway/login-failed' }, verdict: 'reject', enforced: true },
    ];
    expect(reports).toMatchObject([{ kind: 'session', outcome: 'none', opinions }]);
  });
});
