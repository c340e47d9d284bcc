import type { Report } from '@postern/core';
import { FakeClock, SmtpDriver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bench, check, opinion, permits, TestServer, text } from './test-bench.ts';

async function greeted(server: TestServer): Promise<SmtpDriver> {
  const client = await SmtpDriver.connect({ port: server.port });
  await client.reply();
  return client;
}

const outcomes = (reports: readonly Report[]): string[] => reports.map(({ outcome }) => outcome);

/** The server still takes mail: nothing that was done to it before has harmed it. */
async function stillServes(server: TestServer): Promise<void> {
  await using client = await greeted(server);
  await client.command('EHLO a');
  await client.command('MAIL FROM:<a@b.example>');
  await client.command('RCPT TO:<bob@example.org>');
  expect((await client.data(text)).code).toBe(250);
}

describe('a hostile client', () => {
  it('that sends garbage harms nobody', async () => {
    const { gateway, backend } = bench([permits]);
    await using server = await TestServer.start(gateway);
    const verbs = fc.constantFrom(
      'EHLO a\r\n',
      'MAIL FROM:<a@b.example>\r\n',
      'RCPT TO:<x@elsewhere.example>\r\n',
      'RCPT TO:<bob@example.org>\r\n',
      'DATA\r\n',
      '.\r\n',
      'RSET\r\n',
      'AUTH PLAIN AGFubgBzZWNyZXQ=\r\n',
      'STARTTLS\r\n',
      'XCLIENT ADDR=127.0.0.1\r\n',
      'MAIL FROM:<a@b.example> SIZE=-1 BODY=9 SMTPUTF8=1\r\n',
      'RCPT TO:<"a b"@example.org>\r\n',
      'RCPT TO:<bob@example.org@elsewhere.example>\r\n',
      'RCPT TO:<bob%elsewhere.example@example.org>\r\n',
    );
    const piece = fc.oneof(verbs, fc.string({ unit: 'binary', maxLength: 40 }), fc.uint8Array({ maxLength: 60 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(piece, { maxLength: 12 }), { minLength: 8, maxLength: 8 }),
        async (sessions) => {
          const attack = async (pieces: readonly (string | Uint8Array)[]): Promise<void> => {
            await using client = await greeted(server);
            for (const each of pieces) await client.send(each).catch(() => {});
            client.end();
            await client.closed;
          };
          await Promise.all(sessions.map(attack));
        },
      ),
      { numRuns: 12 },
    );
    expect(backend.recipients.every((address) => address.endsWith('@example.org'))).toBe(true);
    await stillServes(server);
  });

  it('that sends overlong lines is cut off', async () => {
    const { gateway, reports } = bench([permits]);
    await using server = await TestServer.start(gateway);
    await using client = await greeted(server);
    await client.send(`MAIL FROM:<${'a'.repeat(100_000)}`);
    expect((await client.reply()).code).toBe(421);
    await client.closed;
    await expect.poll(() => outcomes(reports)).toEqual(['none']);
    expect(reports[0]?.opinions[0]?.finding.kind).toBe('gateway/server-closed');
    await stillServes(server);
  });

  it('that talks before the greeting is turned away, and reported', async () => {
    let release: () => void = () => {};
    const slow = check('slow', {
      connect: () =>
        new Promise((resolve) => {
          release = () => resolve(opinion());
        }),
    });
    const { gateway, reports } = bench([slow]);
    await using server = await TestServer.start(gateway);
    await using client = await SmtpDriver.connect({ port: server.port });
    await expect.poll(() => release).not.toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 150));
    await client.send('EHLO a\r\n');
    expect((await client.reply()).code).toBe(421);
    await client.closed;
    release();
    await expect.poll(() => outcomes(reports)).toEqual(['none']);
    expect(reports[0]?.opinions.at(-1)?.finding.summary).toContain('too soon');
  });

  it('that leaves without QUIT leaves nothing behind', async () => {
    const { gateway, reports } = bench([permits]);
    await using server = await TestServer.start(gateway);
    for (const leave of ['end', 'reset'] as const) {
      await using client = await greeted(server);
      await client.command('EHLO a');
      await client.command('MAIL FROM:<a@b.example>');
      client[leave]();
      await client.closed;
    }
    await expect.poll(() => outcomes(reports)).toEqual(['aborted', 'aborted']);
  });

  it('that is gone aborts the checks that are at work for it', async () => {
    const signals: AbortSignal[] = [];
    const slow = check('slow', {
      mail: (_transaction, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    const { gateway, reports } = bench([slow]);
    await using server = await TestServer.start(gateway);
    await using client = await greeted(server);
    await client.command('EHLO a');
    await client.send('MAIL FROM:<a@b.example>\r\n');
    await expect.poll(() => signals.length).toBe(1);
    client.reset();
    await expect.poll(() => signals[0]?.aborted).toBe(true);
    await expect.poll(() => outcomes(reports)).toEqual(['aborted']);
  });

  it('that sends a message byte by byte is endured, within limits', async () => {
    const clock = new FakeClock();
    const { gateway, reports, backend } = bench([permits], { clock, minBytesPerSecond: 10 });
    await using server = await TestServer.start(gateway);
    await using client = await greeted(server);
    await client.command('EHLO a');
    const start = async (): Promise<void> => {
      await client.command('MAIL FROM:<a@b.example>');
      await client.command('RCPT TO:<bob@example.org>');
      expect((await client.command('DATA')).code).toBe(354);
    };
    await start();
    await client.slow(`${text}.\r\n`, 1, 2);
    expect((await client.reply()).code).toBe(250);
    expect(backend.messages).toHaveLength(1);
    await start();
    await client.send('Subject: slow');
    // The watch looks once a second.
    const ended = client.reply(15_000);
    const timer = setInterval(() => clock.advance(61_000), 300);
    try {
      expect(await ended).toMatchObject({ code: 421, enhanced: '4.4.2' });
    } finally {
      clearInterval(timer);
    }
    await client.closed;
    await expect.poll(() => outcomes(reports)).toEqual(['accepted', 'aborted']);
    expect(reports[1]?.opinions.at(-1)?.finding.summary).toContain('too slowly');
  });

  it.each([
    ['commandTimeoutMs', 'Nothing came'],
    ['sessionTimeoutMs', 'took too long'],
  ] as const)('is let go after %s, whatever it sends in the meantime', async (limit, why) => {
    const clock = new FakeClock();
    const { gateway, reports } = bench([permits], { clock, commandTimeoutMs: 10_000_000, [limit]: 60_000 });
    await using server = await TestServer.start(gateway);
    await using client = await greeted(server);
    await client.command('EHLO a');
    clock.advance(59_000);
    expect((await client.command('NOOP')).code).toBe(250);
    clock.advance(2_000);
    expect(await client.reply()).toMatchObject({ code: 421, enhanced: '4.4.2', text: expect.stringContaining(why) });
    await client.closed;
    await expect.poll(() => outcomes(reports)).toEqual(['none']);
  });

  it('whose connection breaks does not end the process, but a server that cannot listen may', async () => {
    const { gateway } = bench([permits]);
    await using server = await TestServer.start(gateway);
    await using client = await greeted(server);
    await client.command('EHLO a');
    await client.command('MAIL FROM:<a@b.example>');
    client.reset();
    await client.closed;
    await stillServes(server);
    expect(() => server.emitError(new Error('EADDRINUSE'))).toThrow('EADDRINUSE');
  });
});
