import { setTimeout as sleep } from 'node:timers/promises';
import { type Check, dryRun, type LoginAttempt, mailboxPath } from '@postern/core';
import { describe, expect, it, vi } from 'vitest';
import type { GatewayOptions } from './gateway-options.ts';
import { bench, check, opinion, permits, sendMessage, upTo } from './test-bench.ts';

const rejects = { code: 550, enhanced: '5.7.1', text: 'No' } as const;
const login: LoginAttempt = { mechanism: 'PLAIN', user: 'ann', password: 'secret' };

/** What JavaScript may do: the compiler lets it through. */
type Anything = ReturnType<typeof JSON.parse>;

const places = ['start', 'connect', 'helo', 'mail', 'recipient', 'message', 'header', 'write', 'end'] as const;

/** A check that does something at one place of a session and nothing elsewhere. */
function checkAt(place: (typeof places)[number], act: () => Anything, more: Partial<Check> = {}): Check {
  const sink = { header: () => {}, write: () => {}, end: () => undefined, abort: () => {} };
  if (place === 'start') return { name: 'bad', start: act, ...more };
  if (place === 'header' || place === 'write' || place === 'end') {
    return check('bad', { message: () => ({ ...sink, [place]: act }) }, more);
  }
  return check('bad', { [place]: act }, more);
}

const misdeeds: Record<string, () => Anything> = {
  throws: () => {
    throw new Error('boom secret detail');
  },
  rejects: () => Promise.reject(new Error('boom secret detail')),
  hangs: () => new Promise(() => {}),
  'answers 7': () => 7,
  'answers null': () => null,
  'answers a promise of rubbish': () => Promise.resolve({ verdict: 'accept' }),
  'permits everything': () => opinion({ permit: 'relay', verdict: 'accept' }),
};

describe('fails closed', () => {
  it('relays nothing without checks', async () => {
    const { open, reports, backend } = bench([]);
    const session = open();
    const { mail, recipient } = await upTo(session);
    expect(mail.code).toBe(250);
    expect(recipient).toMatchObject({ code: 550, enhanced: '5.7.1' });
    expect(session.data()).toMatchObject({ kind: 'refused', reply: { code: 503 } });
    session.close();
    expect(backend.begun).toBe(0);
    expect(reports).toMatchObject([{ outcome: 'rejected', recipients: [{ reply: { code: 550 } }] }]);
  });

  it('refuses a recipient whom no check permits, whatever else they say', async () => {
    const { open } = bench([check('friendly', { recipient: () => opinion({ score: -100 }) }), permits]);
    expect((await upTo(open(), 'x@elsewhere.example')).recipient).toMatchObject({ code: 550, enhanced: '5.7.1' });
    expect((await upTo(open())).recipient.code).toBe(250);
  });

  it('lets no permission cancel a refusal', async () => {
    const refuses = check('refuses', { recipient: () => opinion({ verdict: 'reject', reply: rejects }) });
    for (const checks of [
      [permits, refuses],
      [refuses, permits],
    ]) {
      expect((await upTo(bench(checks).open())).recipient.code).toBe(550);
    }
  });

  for (const [misdeed, act] of Object.entries(misdeeds)) {
    for (const place of places) {
      for (const cost of ['local', 'network'] as const) {
        it(`a ${cost} check that ${misdeed} at ${place} lets no mail through that it was to judge`, async () => {
          const bad = checkAt(place, act, { cost });
          const { open, backend, reports } = bench([bad, permits], { stageTimeoutMs: 5 });
          const session = open();
          // Nobody permits this one, so nothing that a broken check does may let it in.
          const foreign = (await upTo(session, 'x@elsewhere.example')).recipient;
          expect(foreign.code).toBeGreaterThanOrEqual(400);
          const own = await session.recipient(mailboxPath('bob@example.org'));
          const end = own.code === 250 ? await sendMessage(session) : own;
          session.close();

          // What a sink's header() and write() return has no meaning.
          const harmless = (place === 'header' || place === 'write') && !/throws|rejects|hangs/.test(misdeed);
          const unread = place === 'header' && misdeed === 'hangs';
          if (harmless || unread) {
            expect(end.code).toBe(250);
            return;
          }
          expect(end).toMatchObject({ code: 451, enhanced: '4.3.0' });
          expect(end.text).not.toContain('secret');
          expect(backend.messages).toEqual([]);
          const [report] = reports;
          expect(report?.outcome).toBe('deferred');
          const failure = report?.opinions.find((each) => each.finding.kind === 'gateway/check-failed');
          expect(failure).toMatchObject({ check: 'bad', verdict: 'defer' });
        });
      }
    }
  }

  it('lets nothing be run dry that guards, and no dry run decide', async () => {
    const refuses = check('refuses', { recipient: () => opinion({ verdict: 'reject', score: 9 }) });
    expect((await upTo(bench([dryRun(refuses), permits], { thresholds: { reject: 5 } }).open())).recipient.code).toBe(
      250,
    );
    expect((await upTo(bench([dryRun(permits)]).open())).recipient.code).toBe(550);
    expect(() => dryRun({ ...permits, guards: true })).toThrow(TypeError);
  });

  it('keeps what was thrown for the report', async () => {
    const { open, reports } = bench([checkAt('mail', misdeeds['throws'] ?? (() => {})), permits]);
    const session = open();
    await upTo(session);
    session.close();
    expect(reports[0]?.opinions[0]?.finding).toMatchObject({ failure: 'threw', error: 'boom secret detail' });
  });
});

describe('order', () => {
  it('skips network checks of later stages once a refusal is certain, and local ones never', async () => {
    const asked: string[] = [];
    const asks = (name: string, cost: 'local' | 'network') =>
      check(
        name,
        {
          mail: () => {
            asked.push(`${name} mail`);
            return undefined;
          },
          recipient: () => {
            asked.push(`${name} recipient`);
            return undefined;
          },
        },
        { cost },
      );
    const checks = [
      check('refuses', { connect: () => opinion({ verdict: 'reject', reply: rejects }) }),
      asks('near', 'local'),
      asks('far', 'network'),
      permits,
    ];
    await upTo(bench(checks).open());
    expect(asked).toEqual(['near mail', 'near recipient']);
    asked.length = 0;
    await upTo(bench(checks, { checkAll: true }).open());
    expect(asked).toEqual(['near mail', 'far mail', 'near recipient', 'far recipient']);
  });

  it('takes the first refusal in order of stages', async () => {
    const at = (name: string, stage: 'helo' | 'mail', text: string) =>
      check(name, { [stage]: () => opinion({ verdict: 'reject', reply: { ...rejects, text } }) });
    const { open } = bench([at('a', 'mail', 'from mail'), at('b', 'helo', 'from helo'), permits]);
    expect((await upTo(open())).recipient.text).toContain('from helo');
  });
});

describe('when verdicts are enforced', () => {
  const at = (stage: 'connect' | 'helo' | 'mail', more: object = { verdict: 'reject', reply: rejects }) =>
    check(`at-${stage}`, { [stage]: () => opinion(more) });

  it.each(['connect', 'helo', 'mail'] as const)('enforces those of %s at RCPT', async (stage) => {
    const { open, reports } = bench([at(stage), permits]);
    const session = open();
    const { connect, helo, mail, recipient } = await upTo(session);
    expect([connect.code, helo.code, mail.code, recipient.code]).toEqual([220, 250, 250, 550]);
    expect(recipient.text).toContain(`(${session.id}-1)`);
    session.close();
    expect(reports[0]?.opinions[0]).toMatchObject({ check: `at-${stage}`, stage, verdict: 'reject', enforced: true });
  });

  it('enforces them at their stage when told to', async () => {
    const options = { enforceAt: 'stage' } as const;
    const refusing = bench([at('connect'), permits], options);
    const session = refusing.open();
    expect(await session.connect()).toMatchObject({ code: 554, enhanced: '5.7.1' });
    expect(session.farewell?.code).toBe(554);
    session.close();
    expect(refusing.reports).toMatchObject([{ kind: 'session', outcome: 'rejected', reply: { code: 554 } }]);

    const deferring = bench([at('connect', { verdict: 'defer' }), permits], options).open();
    expect(await deferring.connect()).toMatchObject({ code: 421, enhanced: '4.7.1' });

    const atHelo = bench([at('helo'), permits], options).open();
    await atHelo.connect();
    expect((await atHelo.helo('a', true)).code).toBe(550);
    expect((await atHelo.mail(mailboxPath(''))).code).toBe(550);

    const atMail = bench([at('mail'), permits], options);
    const third = atMail.open();
    expect((await upTo(third)).mail.code).toBe(550);
    third.close();
    expect(atMail.reports).toMatchObject([{ kind: 'transaction', outcome: 'rejected', reply: { code: 550 } }]);
  });

  it.each(['connect', 'helo', 'mail', 'recipient', 'message'] as const)(
    'ends the session at a 421 of %s',
    async (stage) => {
      const reply = { code: 421, enhanced: '4.7.0', text: 'Too many' };
      const answer = () => opinion({ verdict: 'defer', reply });
      const limit =
        stage === 'message'
          ? check('limit', { message: () => ({ header() {}, write() {}, end: answer, abort() {} }) })
          : check('limit', { [stage]: answer });
      const { open, reports, backend } = bench([limit, permits]);
      const session = open();
      const replies = await upTo(session);
      const last = stage === 'message' ? await sendMessage(session) : replies[stage];
      expect(last).toMatchObject({ code: 421, enhanced: '4.7.0' });
      expect(session.farewell).toEqual(last);
      expect(await session.mail(mailboxPath(''))).toEqual(last);
      session.close();
      expect(reports).toMatchObject([{ outcome: 'deferred', reply: last }]);
      expect(reports[0]?.opinions.find((each) => each.check === 'limit')?.enforced).toBe(true);
      expect(backend.messages).toEqual([]);
    },
  );

  it('keeps the local postmaster reachable, and no other one', async () => {
    const listed = [at('connect'), at('helo'), at('mail'), permits];
    const session = bench(listed).open();
    expect((await upTo(session, 'PostMaster@example.org')).recipient.code).toBe(250);
    expect((await session.recipient(mailboxPath('bob@example.org'))).code).toBe(550);
    expect((await session.recipient(mailboxPath('postmaster@elsewhere.example'))).code).toBe(550);
    expect((await sendMessage(session)).code).toBe(250);
    const strict = bench(listed, { postmasterAlwaysReachable: false }).open();
    expect((await upTo(strict, 'postmaster@example.org')).recipient.code).toBe(550);
  });

  it('still asks the network about a postmaster whom it may permit', async () => {
    const directory = check('directory', { recipient: async () => opinion({ permit: 'local' }) }, { cost: 'network' });
    const { open } = bench([at('connect'), directory]);
    expect((await upTo(open(), 'postmaster@example.org')).recipient.code).toBe(250);
    expect((await upTo(open(), 'bob@example.org')).recipient.code).toBe(550);
  });

  it('holds what is said of the postmaster himself against him', async () => {
    const full = check('full', { recipient: () => opinion({ verdict: 'defer' }) });
    expect((await upTo(bench([permits, full]).open(), 'postmaster@example.org')).recipient.code).toBe(451);
  });
});

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
    expect(reports).toMatchObject([{ kind: 'session', outcome: 'none', opinions: [{ stage: 'authenticate' }] }]);
  });
});

describe('scores', () => {
  const scoring = (stage: string, score: number) =>
    stage === 'message'
      ? check(stage, { message: () => ({ header() {}, write() {}, end: () => opinion({ score }), abort() {} }) })
      : check(stage, { [stage]: () => opinion({ score }) });

  it('adds up over the stages and refuses at RCPT', async () => {
    const checks = [scoring('connect', 1), scoring('helo', 2), scoring('mail', 3), scoring('recipient', 4), permits];
    const { open, reports } = bench(checks, { thresholds: { reject: 10 } });
    const session = open();
    expect((await upTo(session)).recipient).toMatchObject({ code: 550, enhanced: '5.7.1' });
    session.close();
    expect(reports[0]).toMatchObject({ score: 10, outcome: 'rejected' });
    expect((await upTo(bench(checks, { thresholds: { reject: 10.5 } }).open())).recipient.code).toBe(250);
  });

  it('counts those of the session for each transaction, those of a transaction only for it', async () => {
    const { open, reports } = bench([scoring('connect', 1), scoring('mail', 10), permits]);
    const session = open();
    await upTo(session);
    await session.mail(mailboxPath('a@b.example'));
    session.close();
    expect(reports.map((report) => report.score)).toEqual([11, 11]);
  });

  it('refuses and quarantines messages', async () => {
    const checks = [scoring('connect', 1), scoring('message', 4), permits];
    const refusing = bench(checks, { thresholds: { quarantine: 3, reject: 5 } });
    const session = refusing.open();
    await upTo(session);
    expect((await sendMessage(session)).code).toBe(550);
    expect(refusing.backend).toMatchObject({ messages: [], aborted: 1 });

    const marking = bench(checks, { thresholds: { quarantine: 5 } });
    const other = marking.open();
    await upTo(other);
    expect((await sendMessage(other)).code).toBe(250);
    expect(marking.backend.messages[0]).toMatch(/^X-Postern-Quarantine: /m);
    expect(marking.reports[0]?.outcome).toBe('quarantined');
    expect(marking.reports[0]?.opinions.some((each) => each.enforced && each.finding.kind === 'gateway/score')).toBe(
      true,
    );
  });

  it('does not hold the client and the sender against a message to the postmaster alone', async () => {
    const options = { thresholds: { quarantine: 9, reject: 10 } };
    const postmaster = 'postmaster@example.org';
    const reached = bench([scoring('connect', 20), permits], options);
    const session = reached.open();
    expect((await upTo(session, postmaster)).recipient.code).toBe(250);
    expect((await sendMessage(session)).code).toBe(250);
    expect(reached.reports[0]?.outcome).toBe('quarantined');
    const spam = bench([scoring('message', 20), permits], options).open();
    await upTo(spam, postmaster);
    expect((await sendMessage(spam)).code).toBe(550);
  });

  it('adds fractions without noise', async () => {
    const checks = [scoring('connect', 0.7), scoring('helo', 0.1), scoring('mail', 0.2), permits];
    expect((await upTo(bench(checks, { thresholds: { reject: 1 } }).open())).recipient.code).toBe(550);
  });
});

describe('delays', () => {
  it('holds a reply back, within its bound, and not once the client is gone', async () => {
    const slow = check('slow', { connect: () => opinion({ delayMs: 3_600_000 }) });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let replied = false;
      const session = bench([slow], { maxDelayMs: 60 }).open();
      const reply = Promise.resolve(session.connect()).then(() => {
        replied = true;
      });
      await new Promise(setImmediate);
      expect(replied).toBe(false);
      session.close();
      await reply;
    } finally {
      vi.useRealTimers();
    }
    expect((await bench([slow], { maxDelayMs: 0 }).open().connect()).code).toBe(220);
    expect((await bench([slow], { maxDelayMs: 5 }).open().connect()).code).toBe(220);
  });

  it('holds a refused message back with empty hands', async () => {
    const slow = check('slow', {
      message: () => ({ header() {}, write() {}, end: () => opinion({ verdict: 'reject', delayMs: 30 }), abort() {} }),
    });
    const { open, backend, reports } = bench([slow, permits]);
    const session = open();
    await upTo(session);
    const reply = sendMessage(session);
    while (reports.length === 0) await sleep(1);
    expect(backend.aborted).toBe(1);
    expect((await reply).code).toBe(550);
  });
});
