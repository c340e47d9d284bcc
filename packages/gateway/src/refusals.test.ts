import { type Check, type CheckRun, dryRun, type LoginAttempt, mailboxPath, type RefusedCommand } from '@postern/core';
import { SmtpDriver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import type { GatewayOptions } from './gateway-options.ts';
import { type Anything, bench, check, misdeeds, opinion, permits, TestServer, upTo } from './test-bench.ts';

const ENOUGH = { code: 421, enhanced: '4.7.0', text: 'Enough' } as const;

/** Writes down what is refused, and has something to say from the given refusal on. */
function counting(from: number, more: object): { run: CheckRun; refused: RefusedCommand[] } {
  const refused: RefusedCommand[] = [];
  const run: CheckRun = {
    refusal: (each) => {
      refused.push(each);
      return refused.length < from ? undefined : opinion(more, 'test/enough');
    },
  };
  return { run, refused };
}

describe('a check that is asked about refusals', () => {
  it('hears of recipients that anyone refuses, and of commands out of order', async () => {
    const { run, refused } = counting(99, {});
    const { open, backend, reports } = bench([permits, check('counts', run)]);
    backend.answers.recipient = async (address) =>
      address === 'nobody@example.org'
        ? { code: 550, enhanced: '5.1.1', text: 'No such user' }
        : { code: 250, enhanced: '2.1.5', text: 'OK' };
    const session = open();
    await session.mail(mailboxPath('too@early.example'));
    await upTo(session);
    await session.recipient(mailboxPath('nobody@example.org'));
    await session.recipient(mailboxPath('bob@elsewhere.example'));
    await session.commandRefused({ code: 500, enhanced: '', text: 'What?' });
    expect(refused).toMatchObject([
      { kind: 'command', reply: { code: 503 } },
      { kind: 'recipient', reply: { code: 550, enhanced: '5.1.1' } },
      { kind: 'recipient', reply: { code: 550, enhanced: '5.7.1' } },
      { kind: 'command', reply: { code: 500, text: 'What?' } },
    ]);
    session.close();
    expect(reports).toHaveLength(1);
  });

  it('ends the session instead of the refusal, and the report says why', async () => {
    const { run } = counting(2, { verdict: 'defer', reply: ENOUGH });
    const { open, reports, backend } = bench([permits, check('counts', run)]);
    const session = open();
    await upTo(session);
    expect(await session.recipient(mailboxPath('a@elsewhere.example'))).toMatchObject({ code: 550 });
    expect(await session.recipient(mailboxPath('b@elsewhere.example'))).toMatchObject({ code: 421 });
    expect(session.farewell).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect(await session.mail(mailboxPath('ann@client.example'))).toMatchObject({ code: 421 });
    expect(backend.aborted).toBe(1);
    session.close();
    expect(reports).toMatchObject([{ outcome: 'deferred', reply: { code: 421 } }]);
    expect(reports[0]?.opinions).toContainEqual(
      expect.objectContaining({ check: 'counts', stage: 'refusal', enforced: true, verdict: 'defer' }),
    );
  });

  it('ends the session at DATA without recipients', () => {
    const { run } = counting(1, { verdict: 'defer', reply: ENOUGH });
    const session = bench([check('counts', run)]).open();
    session.connect();
    session.helo('client.example', true);
    expect(session.data()).toMatchObject({ kind: 'refused', reply: { code: 421 } });
  });

  it('changes no refusal by any other verdict, nor by its score', async () => {
    const { run } = counting(1, { verdict: 'reject', score: 100 });
    const { open } = bench([permits, check('counts', run)], { thresholds: { reject: 50 } });
    const session = open();
    await upTo(session, 'a@elsewhere.example');
    expect(await session.recipient(mailboxPath('bob@example.org'))).toMatchObject({ code: 250 });
  });

  it.each(Object.keys(misdeeds).filter((name) => name !== 'hangs'))('does no harm when it %s', async (name) => {
    const misdeed: Anything = misdeeds[name];
    const { open, reports } = bench([permits, check('broken', { refusal: misdeed })]);
    const session = open();
    expect((await upTo(session, 'a@elsewhere.example')).recipient).toMatchObject({ code: 550 });
    expect(await session.recipient(mailboxPath('bob@example.org'))).toMatchObject({ code: 250 });
    session.close();
    expect(reports[0]?.opinions).toContainEqual(
      expect.objectContaining({ finding: expect.objectContaining({ kind: 'gateway/check-failed' }) }),
    );
  });

  it('is not followed when it is run dry', async () => {
    const { run, refused } = counting(1, { verdict: 'defer', reply: ENOUGH });
    const { open } = bench([permits, dryRun(check('counts', run))]);
    const session = open();
    expect((await upTo(session, 'a@elsewhere.example')).recipient).toMatchObject({ code: 550 });
    expect(session.farewell).toBeUndefined();
    expect(refused).toHaveLength(1);
  });

  it('fills no report, however much is refused', async () => {
    const { run } = counting(1, {});
    const { open, reports } = bench([check('counts', run)], { maxReportedOpinions: 100_000 });
    const session = open();
    session.connect();
    for (let count = 0; count < 1_000; count += 1) session.commandRefused({ code: 500, enhanced: '', text: 'What?' });
    session.close();
    expect(reports[0]?.opinions).toHaveLength(100);
  });
});

describe('a check that is asked about refused logins', () => {
  const login: LoginAttempt = { mechanism: 'PLAIN', user: 'ann', password: 'secret' };
  const wrong = { verdict: 'reject', reply: { code: 535, enhanced: '5.7.8', text: 'Wrong' } } as const;
  const greeted = async (checks: readonly Check[], options: Partial<GatewayOptions> = {}) => {
    const made = bench([permits, ...checks], options);
    const session = made.open();
    await session.connect();
    await session.helo('client.example', true);
    return { ...made, session };
  };

  it('hears of each once, behind a transaction and the last of them too, and what it was refused for', async () => {
    const answers: Anything[] = [
      opinion(wrong, 'test/wrong'),
      undefined,
      opinion({ verdict: 'defer' }, 'test/busy'),
      opinion({ user: 'ann' }),
    ];
    const { run, refused } = counting(99, {});
    const { session } = await greeted([check('auth', { authenticate: () => answers.shift() }), check('counts', run)]);
    await session.mail(mailboxPath('ann@client.example'));
    session.reset();
    for (const code of [535, 535, 451, 235]) expect((await session.authenticate(login)).code).toBe(code);
    expect(refused).toMatchObject([
      { kind: 'login', reply: { code: 535, text: expect.stringContaining('Wrong') }, finding: { kind: 'test/wrong' } },
      { kind: 'login', reply: { code: 535 }, finding: { kind: 'gateway/login-failed' } },
      { kind: 'login', reply: { code: 451 }, finding: { kind: 'test/busy' } },
    ]);

    const last = counting(99, {});
    const auth = check('auth', { authenticate: () => opinion(wrong) });
    const { session: short } = await greeted([auth, check('counts', last.run)], { maxFailedLogins: 1 });
    expect((await short.authenticate(login)).code).toBe(421);
    expect(last.refused).toMatchObject([{ kind: 'login', reply: { code: 535 } }]);
  });

  it('hears of one whose reply is held back before that time is over', async () => {
    const { run, refused } = counting(99, {});
    const auth = check('auth', { authenticate: () => opinion({ ...wrong, delayMs: 60_000 }, 'test/wrong') });
    const { session, reports } = await greeted([auth, check('counts', run)], { maxDelayMs: 60_000 });
    const reply = session.authenticate(login);
    session.close();
    expect((await reply).code).toBe(421);
    expect(refused).toMatchObject([{ kind: 'login', finding: { kind: 'test/wrong' } }]);
    expect(reports).toHaveLength(1);
  });

  it('ends the session in its place', async () => {
    const { run } = counting(1, { verdict: 'defer', reply: ENOUGH });
    const auth = check('auth', { authenticate: () => opinion(wrong) });
    const { session } = await greeted([auth, check('counts', run)]);
    expect((await session.authenticate(login)).code).toBe(421);
    expect(session.farewell).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect((await session.authenticate(login)).code).toBe(421);
  });

  it('hears of none when a check ended the session instead', async () => {
    const { run, refused } = counting(99, {});
    const auth = check('auth', { authenticate: () => opinion({ verdict: 'defer', reply: ENOUGH }) });
    const { session } = await greeted([auth, check('counts', run)]);
    expect((await session.authenticate(login)).code).toBe(421);
    expect(refused).toEqual([]);
  });
});

describe('a check that is asked about refusals, behind smtp-server', () => {
  it('hears of what the server refuses by itself, and not of its own refusals twice', async () => {
    const { run, refused } = counting(99, {});
    const { gateway } = bench([permits, check('counts', run)]);
    await using server = await TestServer.start(gateway);
    await using client = await SmtpDriver.connect({ port: server.port });
    await client.reply();
    for (const command of [
      'NONSENSE',
      'MAIL FROM:<ann@client.example>',
      'EHLO client.example',
      'MAIL FROM:nonsense',
      'RCPT TO:<bob@example.org>',
      'MAIL FROM:<ann@client.example>',
      'RCPT TO:<bob@elsewhere.example>',
      'NOOP',
      'DATA',
    ]) {
      await client.command(command);
    }
    expect(refused.map(({ kind, reply }) => [kind, reply.code])).toEqual([
      ['command', 500],
      ['command', 503],
      ['command', 501],
      ['command', 503],
      ['recipient', 550],
      ['command', 503],
    ]);
  });

  it('hears once of each login, and of one that no check was asked about as of a command', async () => {
    const { run, refused } = counting(99, {});
    const { gateway } = bench([check('auth', { authenticate: () => undefined }), check('counts', run)]);
    await using server = await TestServer.start(gateway, { allowInsecureAuth: true });
    await using client = await SmtpDriver.connect({ port: server.port });
    await client.reply();
    await client.command('EHLO client.example');
    for (const identity of ['', 'ann', 'eve']) {
      const response = Buffer.from(`${identity}\0ann\0secret`).toString('base64');
      expect((await client.command(`AUTH PLAIN ${response}`)).code).toBe(535);
    }
    expect(refused.map(({ kind, reply }) => [kind, reply.code])).toEqual([
      ['login', 535],
      ['login', 535],
      ['command', 535],
    ]);
  });

  it('ends the connection in the place of the refusal', async () => {
    const { run } = counting(3, { verdict: 'defer', reply: ENOUGH });
    const { gateway, reports } = bench([permits, check('counts', run)]);
    await using server = await TestServer.start(gateway);
    await using client = await SmtpDriver.connect({ port: server.port });
    await client.reply();
    await client.send('EHLO client.example\r\nMAIL\r\nRCPT\r\nDATA\r\nRCPT\r\n');
    const codes: number[] = [];
    for (let count = 0; count < 4; count += 1) codes.push((await client.reply()).code);
    expect(codes).toEqual([250, 501, 501, 421]);
    expect(await client.closed).toBeDefined();
    await expect.poll(() => reports.length).toBe(1);
    expect(reports).toMatchObject([{ kind: 'session', outcome: 'deferred', reply: { code: 421, enhanced: '4.7.0' } }]);
  });

  it('ends the connection later, when it takes time to say so', async () => {
    const run: CheckRun = {
      refusal: async () => {
        await new Promise((resolve) => void setImmediate(resolve));
        return opinion({ verdict: 'defer', reply: ENOUGH });
      },
    };
    const { gateway } = bench([permits, check('slow', run)]);
    await using server = await TestServer.start(gateway);
    await using client = await SmtpDriver.connect({ port: server.port });
    await client.reply();
    expect(await client.command('NONSENSE')).toMatchObject({ code: 500 });
    expect(await client.reply()).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect(await client.closed).toBeDefined();
  });
});
