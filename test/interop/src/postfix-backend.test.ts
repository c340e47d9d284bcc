import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GatewayServer } from '@postern/faults/gateway-server';
import { type SmtpBackend, smtpBackend } from '@postern/gateway';
import { asMailData, SmtpDriver } from '@postern/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Postfix, postfixServer } from './postfix.ts';
import { describeWith, RealServer } from './real-server.ts';
import { swaks, swaksClient } from './swaks.ts';

const run = promisify(execFile);
const smtpSource = new RealServer('smtp-source', 'postfix');

/** For a test with several processes on a busy machine, and for each thing that it waits for. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const soon = { timeout: 30_000 };

/** Every byte but CR and LF, lines of dots, a line as long as lines may be, empty lines at the end. */
const message = Buffer.concat([
  Buffer.from('From: Ann <ann@client.example>\r\nTo: bytes@example.org\r\nSubject: every byte\r\n counts\r\n'),
  Buffer.from('Date: Sun, 22 Nov 2026 01:00:00 +0000\r\nMessage-ID: <1@client.example>\r\nX-Empty:\r\n\r\n'),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 0x0a && byte !== 0x0d)),
  Buffer.from(`\r\n.\r\n..\r\n. \r\n${'x'.repeat(998)}\r\nline\t \r\n\r\n\r\n`),
]);

const withLineFeeds = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');

describeWith([postfixServer, swaksClient, smtpSource], 'Postfix behind the gateway', () => {
  let folder: string;
  let postfix: Postfix;
  let backend: SmtpBackend;
  let gateway: GatewayServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-clients-'));
    postfix = await Postfix.start(['bytes', 'bob', 'crowd', 'many', '2many', '3many', 'later'], {
      message_size_limit: '20000',
      // Else it would let a client that errs wait for a second each time.
      smtpd_error_sleep_time: '0',
    });
    backend = smtpBackend({ host: '127.0.0.1', port: postfix.port, name: 'mx.example.org' });
    gateway = await GatewayServer.start({ deliver: backend });
  });

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await backend?.close();
    await postfix?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function envelope(recipient: string): Promise<SmtpDriver> {
    const client = await SmtpDriver.connect({ port: gateway.port });
    await client.reply();
    await client.command('EHLO client.example');
    await client.command('MAIL FROM:<ann@client.example>');
    expect(await client.command(`RCPT TO:<${recipient}@example.org>`)).toMatchObject({ code: 250 });
    return client;
  }

  it('gets the message of swaks byte for byte, with our trace fields on top', async () => {
    const file = join(folder, 'message');
    writeFileSync(file, asMailData(message));
    const data = ['--data', `@${file}`, '--no-data-fixup'];
    const { exitCode, dialogue } = await swaks(gateway.port, '--to', 'bytes@example.org', '--from', '<>', ...data);
    expect(exitCode, dialogue).toBe(0);
    await expect.poll(() => postfix.mailbox('bytes').length, soon).toBe(1);

    const kept = postfix.mailbox('bytes')[0]?.toString('latin1') ?? '';
    const own = withLineFeeds(message).toString('latin1');
    expect(kept.endsWith(own)).toBe(true);
    const trace = kept.slice(0, -own.length);
    const id = gateway.reports.at(-1)?.id;
    expect(trace).toMatch(/^Return-Path: <>\n/);
    expect(trace).toContain(
      'Received: from mx.example.org (unknown [127.0.0.1])\n\tby mailbox.test (Postfix) with ESMTP id',
    );
    // Postfix writes its own above ours.
    const ours = trace.slice(trace.lastIndexOf('Received: '));
    expect(ours).toMatch(
      /^Received: from client\.example \(\[127\.0\.0\.1\]\)\n by mx\.example\.org with ESMTP id [\w-]+\n for <bytes@example\.org>; \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\n$/,
    );
    expect(ours).toContain(`id ${id}\n`);
    expect(dialogue).toContain(`250 2.0.0 Message accepted, queued as ${id}`);
    expect(gateway.reports.at(-1)).toMatchObject({
      outcome: 'accepted',
      reversePath: '',
      message: { bytes: message.length, messageId: '<1@client.example>' },
      opinions: expect.arrayContaining([
        expect.objectContaining({ finding: expect.objectContaining({ kind: 'gateway/delivered' }) }),
      ]),
    });
  });

  it('refuses the recipient that it does not know at RCPT, and gets the message for the other one', async () => {
    const to = 'nobody@example.org,bob@example.org,x@elsewhere.example';
    const { exitCode, dialogue } = await swaks(gateway.port, '--to', to, '--from', 'ann@client.example');
    expect(exitCode, dialogue).toBe(0);
    expect(dialogue).toMatch(/^<\*\* 550 5\.1\.1 <nobody@example\.org>: Recipient address rejected: User unknown/m);
    expect(dialogue).toMatch(/^<\*\* 550 5\.7\.1 /m);
    await expect.poll(() => postfix.mailbox('bob').length, soon).toBe(1);
    expect(gateway.reports.at(-1)).toMatchObject({
      outcome: 'accepted',
      recipients: [
        { address: 'nobody@example.org', reply: { code: 550, enhanced: '5.1.1' } },
        { address: 'bob@example.org', reply: { code: 250 }, permit: 'local' },
        { address: 'x@elsewhere.example', reply: { code: 550, enhanced: '5.7.1' } },
      ],
    });
    // Whom the checks refuse, it is never asked about.
    expect(postfix.log).not.toContain('elsewhere.example');
  });

  it('gets no message at all when it refuses every recipient', async () => {
    const { exitCode } = await swaks(gateway.port, '--to', 'nobody@example.org', '--from', 'ann@client.example');
    expect(exitCode).toBe(24);
    await expect
      .poll(() => gateway.reports.at(-1), soon)
      .toMatchObject({ outcome: 'rejected', reply: { enhanced: '5.1.1' } });
  });

  it('gets every message of smtp-source once: eight sessions, three recipients a message', async () => {
    const sent = 48;
    const load = ['-d', '-s', '8', '-m', String(sent), '-r', '3', '-l', '4000'];
    const envelopeOf = ['-f', 'ann@client.example', '-t', 'many@example.org', '-M', 'client.example'];
    gateway.reports.length = 0;
    await run(smtpSource.path ?? '', [...load, ...envelopeOf, `127.0.0.1:${gateway.port}`]);
    const names = ['many', '2many', '3many'];
    const counts = (): readonly number[] => names.map((name) => postfix.mailbox(name).length);
    await expect.poll(counts, soon).toEqual([sent, sent, sent]);

    expect(gateway.reports.map(({ outcome }) => outcome)).toEqual(Array.from({ length: sent }, () => 'accepted'));
    const ids = new Set(gateway.reports.map(({ id }) => id));
    expect(ids.size).toBe(sent);
    for (const name of names) {
      const seen = postfix
        .mailbox(name)
        .map((each) => / by mx\.example\.org with E?SMTP id ([\w-]+)/.exec(String(each))?.[1]);
      expect(new Set(seen)).toEqual(ids);
    }
  });

  it('says what is too large for it: at RCPT when the client announced it, else behind the final dot', async () => {
    await using announced = await SmtpDriver.connect({ port: gateway.port });
    await announced.reply();
    await announced.command('EHLO client.example');
    await announced.command('MAIL FROM:<ann@client.example> SIZE=20001');
    expect(await announced.command('RCPT TO:<bob@example.org>')).toMatchObject({ code: 552, enhanced: '5.3.4' });

    await using silent = await envelope('bob');
    const tooLarge = `Subject: large\r\n\r\n${'A line.\r\n'.repeat(2_500)}`;
    expect(await silent.data(tooLarge)).toMatchObject({ code: 552, enhanced: '5.3.4' });
    expect(gateway.reports.at(-1)).toMatchObject({ outcome: 'rejected', reply: { code: 552 } });
  });

  it('hangs up on clients that err too often, which no other client gets to feel', async () => {
    // Connections to it are shared by all clients, and so are their errors: at the 20th it says 421 and hangs up.
    await using client = await SmtpDriver.connect({ port: gateway.port });
    await client.reply();
    await client.command('EHLO client.example');
    await client.command('MAIL FROM:<ann@client.example>');
    expect((await client.command('RCPT TO:<crowd@example.org>')).code).toBe(250);
    const codes = new Set<number>();
    for (let guess = 0; guess < 50; guess += 1) {
      codes.add((await client.command(`RCPT TO:<guess${guess}@example.org>`)).code);
    }
    expect(codes).toEqual(new Set([550]));
    await expect.poll(() => postfix.log, soon).toContain('too many errors');
    expect(await client.data('Subject: still here\r\n\r\n')).toMatchObject({ code: 250 });
    await expect.poll(() => postfix.mailbox('crowd').length, soon).toBe(1);
  });

  it('is down: 451 for the client, whenever that happens, and its mail goes through when it is back', async () => {
    await using inTheMiddle = await envelope('later');
    await postfix.stop();
    expect(await inTheMiddle.data('Subject: too late\r\n\r\n')).toMatchObject({ code: 451, enhanced: '4.4.1' });
    expect(gateway.reports.at(-1)).toMatchObject({ outcome: 'deferred' });

    const mail = ['--to', 'later@example.org', '--from', 'ann@client.example'];
    const down = await swaks(gateway.port, ...mail);
    expect(down.exitCode, down.dialogue).toBe(24);
    expect(down.dialogue).toMatch(/^<\*\* 451 4\.4\.1 /m);
    expect(gateway.reports.at(-1)).toMatchObject({ outcome: 'deferred', reply: { code: 451 } });

    await postfix.resume();
    const back = await swaks(gateway.port, ...mail);
    expect(back.exitCode, back.dialogue).toBe(0);
    await expect.poll(() => postfix.mailbox('later').length, soon).toBe(1);
  });
});
