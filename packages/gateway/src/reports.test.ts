import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mailboxPath, type Report } from '@postern/core';
import { describe, expect, it, vi } from 'vitest';
import { REPORT_CHANNEL } from './report-desk.ts';
import { bench, check, opinion, permits, sendMessage, text, upTo } from './test-bench.ts';

describe('reports', () => {
  it('come one per transaction, and one per session that had none', async () => {
    const { open, reports } = bench([permits]);
    const empty = open();
    await empty.connect();
    await empty.helo('a', true);
    empty.close();
    empty.close();
    expect(reports).toMatchObject([{ kind: 'session', id: empty.id, outcome: 'none', recipients: [] }]);

    const session = open();
    await upTo(session);
    await sendMessage(session);
    await session.mail(mailboxPath(''));
    await session.mail(mailboxPath('again@client.example'));
    await session.helo('b', true);
    session.close();
    expect(reports.slice(1)).toMatchObject([
      { kind: 'transaction', id: `${session.id}-1`, outcome: 'accepted', reversePath: 'ann@client.example' },
      { kind: 'transaction', id: `${session.id}-2`, outcome: 'aborted', reversePath: '' },
      { kind: 'transaction', id: `${session.id}-3`, outcome: 'aborted', reversePath: 'again@client.example' },
    ]);
  });

  it('are plain JSON with every finding, verdict, reply and duration', async () => {
    const noted = check('noted', { helo: () => opinion({ score: 1 }), mail: () => opinion({ verdict: 'quarantine' }) });
    const { open, reports } = bench([noted, permits]);
    const session = open();
    await upTo(session);
    const reply = await sendMessage(session);
    const [report] = reports;
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report).toEqual({
      version: 1,
      kind: 'transaction',
      id: `${session.id}-1`,
      session: {
        id: session.id,
        service: 'mx',
        client: { address: '192.0.2.1', port: 40_000 },
        helo: 'client.example',
        trusted: false,
        startedAt: expect.any(Number),
      },
      startedAt: expect.any(Number),
      durationMs: 0,
      reversePath: 'ann@client.example',
      recipients: [
        { address: 'bob@example.org', reply: { code: 250, enhanced: '2.1.5', text: 'Recipient OK' }, permit: 'local' },
      ],
      opinions: [
        { check: 'noted', stage: 'helo', finding: opinion().finding, enforced: false, score: 1, durationMs: 0 },
        {
          check: 'noted',
          stage: 'mail',
          finding: opinion().finding,
          verdict: 'quarantine',
          enforced: true,
          durationMs: 0,
        },
        {
          check: 'permits',
          stage: 'recipient',
          recipient: 'bob@example.org',
          finding: opinion().finding,
          enforced: false,
          permit: 'local',
          durationMs: 0,
        },
        {
          check: 'gateway',
          stage: 'message',
          finding: { kind: 'gateway/delivered', summary: 'The backend answered 250 2.0.0 queued as 1' },
          enforced: false,
          durationMs: 0,
        },
      ],
      score: 1,
      outcome: 'quarantined',
      reply,
      message: { bytes: text.length, messageId: '<1@client.example>' },
    });
  });

  it('say that mail was deferred when the client will try again, rejected when not', async () => {
    const picky = check('picky', {
      recipient: (_transaction, path) =>
        path.localPart === 'later' ? opinion({ verdict: 'defer' }) : opinion({ verdict: 'reject' }),
    });
    for (const [names, outcome] of [
      [['later', 'never'], 'deferred'],
      [['never'], 'rejected'],
    ] as const) {
      const { open, reports } = bench([picky]);
      const session = open();
      await upTo(session, `${names[0]}@example.org`);
      for (const name of names.slice(1)) await session.recipient(mailboxPath(`${name}@example.org`));
      session.close();
      expect(reports[0]).toMatchObject({ outcome, reply: { code: outcome === 'deferred' ? 451 : 550 } });
    }
  });

  it('reach the checks, onReport and the channel, whatever any of them throws', async () => {
    const warnings: string[] = [];
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
      warnings.push(String(warning));
    });
    const heard: string[] = [];
    const listener = (message: unknown): void => {
      heard.push(`channel ${JSON.parse(JSON.stringify(message)).outcome}`);
    };
    const throws = check('throws', {
      report: () => {
        throw new Error('report is broken');
      },
      close: () => {
        throw new Error('close is broken');
      },
    });
    const listens = check('listens', {
      report: ({ outcome }) => {
        heard.push(`check ${outcome}`);
      },
      close: () => {
        heard.push('closed');
      },
    });
    const onReport = async ({ outcome }: Report): Promise<void> => {
      heard.push(`onReport ${outcome}`);
      throw new Error('onReport is broken');
    };
    subscribe(REPORT_CHANNEL, listener);
    try {
      const { open } = bench([throws, listens, permits], { onReport });
      for (let times = 0; times < 2; times += 1) {
        const session = open();
        expect((await upTo(session)).recipient.code).toBe(250);
        session.close();
      }
      await new Promise(setImmediate);
    } finally {
      unsubscribe(REPORT_CHANNEL, listener);
      warn.mockRestore();
    }
    const once = ['check aborted', 'onReport aborted', 'channel aborted', 'closed'];
    expect(heard).toEqual([...once, ...once]);
    // Once each: a listener that always fails must not fill the log.
    expect(warnings.sort()).toEqual([
      'close() of the check throws failed and is ignored: close is broken',
      'onReport failed and is ignored: onReport is broken',
      'report() of the check throws failed and is ignored: report is broken',
    ]);
  });

  it('are bounded, and keep what decided', async () => {
    const chatty = check('chatty', {
      recipient: (_transaction, path) => opinion(path.localPart === 'no' ? { verdict: 'reject' } : {}),
    });
    const { open, reports } = bench([chatty, permits], { maxReportedOpinions: 3 });
    const session = open();
    await upTo(session);
    await session.recipient(mailboxPath('ben@example.org'));
    await session.recipient(mailboxPath('no@example.org'));
    session.close();
    const opinions = reports[0]?.opinions ?? [];
    expect(opinions.map(({ check: name, enforced }) => [name, enforced])).toEqual([
      ['chatty', false],
      ['permits', false],
      ['chatty', false],
      ['chatty', true],
      ['gateway', false],
    ]);
    expect(opinions.at(-1)?.finding).toMatchObject({ kind: 'gateway/opinions-left-out', count: 2 });
  });

  it('tell what the transport knows about the end', () => {
    const { open, reports } = bench([]);
    open().close({ kind: 'gateway/server-closed', summary: 'The client talked too soon.' });
    expect(reports).toMatchObject([{ outcome: 'none', opinions: [{ finding: { kind: 'gateway/server-closed' } }] }]);
  });
});

describe('bounds', () => {
  it('lets no transaction have too many recipients', async () => {
    const { open } = bench([permits], { maxRecipients: 2 });
    const session = open();
    await upTo(session, 'one@example.org');
    const codes: number[] = [];
    for (const name of ['two', 'three', 'four', 'one']) {
      const reply = await session.recipient(mailboxPath(`${name}@example.org`));
      codes.push(reply.code);
      if (reply.code === 452) expect(reply.enhanced).toBe('4.5.3');
    }
    expect(codes).toEqual([250, 452, 452, 250]);
    expect((await sendMessage(session)).code).toBe(250);
  });

  it('ends a session that guesses recipients', async () => {
    const { open, reports } = bench([permits], { maxRefusedRecipients: 2 });
    const session = open();
    await upTo(session, '1@elsewhere.example');
    expect((await session.recipient(mailboxPath('2@elsewhere.example'))).code).toBe(550);
    expect(await session.recipient(mailboxPath('3@elsewhere.example'))).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect(session.farewell?.code).toBe(421);
    session.close();
    expect(reports).toMatchObject([{ kind: 'transaction', outcome: 'deferred', reply: { code: 421 } }]);
  });

  it('lets no session have too many transactions', async () => {
    const { open } = bench([permits], { maxTransactions: 2 });
    const session = open();
    await session.connect();
    await session.helo('a', true);
    const codes = [];
    for (let times = 0; times < 3; times += 1) codes.push((await session.mail(mailboxPath(''))).code);
    expect(codes).toEqual([250, 250, 421]);
  });

  it('refuses what is announced as too large, and what is', async () => {
    const { open, backend, reports } = bench([permits], { maxMessageBytes: 100 });
    const session = open();
    await session.connect();
    await session.helo('a', true);
    expect(await session.mail(mailboxPath('a@b.example', { SIZE: '101' }))).toMatchObject({
      code: 552,
      enhanced: '5.3.4',
    });
    await upTo(session);
    expect(await sendMessage(session, `${text}${'x'.repeat(100)}`)).toMatchObject({ code: 552, enhanced: '5.3.4' });
    expect(backend).toMatchObject({ messages: [], aborted: 1 });
    expect(reports).toMatchObject([
      { outcome: 'rejected' },
      { outcome: 'rejected', message: { bytes: text.length + 100 } },
    ]);
  });

  it('has no room for more than it may', async () => {
    const { open } = bench([permits], { spoolTotalBytes: 300 });
    const sessions = [open(), open()];
    const receivers = [];
    for (const session of sessions) {
      await upTo(session);
      const answer = session.data();
      if (answer.kind === 'ready') receivers.push(answer.message);
    }
    for (const receiver of receivers) await receiver.write(Buffer.from(`${text}${'x'.repeat(150)}`));
    expect((await receivers[1]?.finish())?.code).toBe(452);
    expect((await receivers[0]?.finish())?.code).toBe(250);
    await upTo(sessions[1] ?? open());
    expect((await sendMessage(sessions[1] ?? open())).code).toBe(250);
  });

  it('refuses a message with a bare line feed, or repairs it', async () => {
    const smuggled = `${text}\n.\nMAIL FROM:<x@y.example>\r\n`;
    const strict = bench([permits]);
    const session = strict.open();
    await upTo(session);
    expect(await sendMessage(session, smuggled)).toMatchObject({ code: 550, enhanced: '5.6.0' });
    expect(strict.backend.messages).toEqual([]);
    const lenient = bench([permits], { bareNewlines: 'normalize' });
    const other = lenient.open();
    await upTo(other);
    expect((await sendMessage(other, smuggled)).code).toBe(250);
    expect(lenient.backend.messages[0]).toContain('\r\n.\r\nMAIL');
    expect(lenient.backend.messages[0]).not.toMatch(/[^\r]\n/);
  });
});

describe('ids', () => {
  it('stand in the reply, the report and Received', async () => {
    const { open, backend, reports } = bench([permits]);
    const ids = new Set<string>();
    for (let times = 0; times < 1_000; times += 1) ids.add(open().id);
    expect(ids.size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-z]{12}$/);
    const session = open();
    const { recipient } = await upTo(session, 'x@elsewhere.example');
    expect(recipient.text).toContain(`(${session.id}-1)`);
    await session.recipient(mailboxPath('bob@example.org'));
    expect((await sendMessage(session)).text).toContain(`${session.id}-1`);
    expect(backend.messages[0]).toContain(`id ${session.id}-1\r\n`);
    expect(reports[0]?.id).toBe(`${session.id}-1`);
  });
});
