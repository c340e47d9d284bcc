import { setTimeout as sleep } from 'node:timers/promises';
import { type LoginAttempt, mailboxPath } from '@postern/core';
import { describe, expect, it, vi } from 'vitest';
import { bench, check, opinion, permits, sendMessage, upTo } from './test-bench.ts';

const _rejects = { code: 550, enhanced: '5.7.1', text: 'No' } as const;
const _login: LoginAttempt = { mechanism: 'PLAIN', user: 'ann', password: 'secret' };

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
