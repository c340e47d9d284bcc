import { type Check, dryRun, type LoginAttempt, mailboxPath } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { type Anything, bench, check, misdeeds, opinion, permits, sendMessage, upTo } from './test-bench.ts';

const rejects = { code: 550, enhanced: '5.7.1', text: 'No' } as const;
const _login: LoginAttempt = { mechanism: 'PLAIN', user: 'ann', password: 'secret' };

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
