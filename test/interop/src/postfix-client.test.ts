import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Outcome, Report } from '@postern/core';
import { GatewayServer } from '@postern/faults/gateway-server';
import { type SmtpBackend, smtpBackend } from '@postern/gateway';
import { relayAcl } from '@postern/relay-acl';
import { asMailData, SmtpDriver, SmtpSink } from '@postern/testing';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Postfix, postfixServer } from './postfix.ts';
import { describeWith, RealServer } from './real-server.ts';
import { swaks, swaksClient } from './swaks.ts';

const run = promisify(execFile);
const smtpSource = new RealServer('smtp-source', 'postfix');

/** For a test with several processes on a busy machine, and for each thing that it waits for. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const soon = { timeout: 30_000 };
/** Of the sink alone: its port is still free when it comes back, since other servers of the tests are on 127.0.0.1. */
const sinkHost = '127.0.0.2';

const body = 'Grüße aus Köln\r\n.\r\n..and a line of dots\r\n\r\n';
const message = `From: Bob <bob@example.org>\r\nTo: ann@example.net\r\nSubject: eight bits\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\nMessage-ID: <8bit@example.org>\r\n\r\n${body}`;

describeWith([postfixServer, swaksClient, smtpSource], 'Postfix in front of the gateway', () => {
  let folder: string;
  let sink: SmtpSink;
  let backend: SmtpBackend;
  let gateway: GatewayServer;
  /** Offers what RFC 5321 asks for, and no more. */
  let plain: GatewayServer;
  let postfix: Postfix;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-messages-'));
    writeFileSync(join(folder, 'message'), asMailData(message));
    sink = await SmtpSink.start({ host: sinkHost });
    backend = smtpBackend({ host: sinkHost, port: sink.port, name: 'mx.example.net' });
    const checks = [relayAcl({ localDomains: ['example.net', 'plain.example'] })];
    gateway = await GatewayServer.start({ checks, deliver: backend });
    const hidden = { hidePIPELINING: true, hide8BITMIME: true, hideSMTPUTF8: true };
    plain = await GatewayServer.start({ checks, deliver: backend }, hidden);
    postfix = await Postfix.start(['bob'], {
      mynetworks: '127.0.0.0/8',
      relayhost: `[127.0.0.1]:${gateway.port}`,
      transport_maps: `inline:{ { plain.example = smtp:[127.0.0.1]:${plain.port} } }`,
    });
  });

  afterAll(async () => {
    await postfix?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
    await plain?.[Symbol.asyncDispose]();
    await backend?.close();
    await sink?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(() => {
    sink.clear();
    sink.setFaults([]);
  });

  /** Hands the message to Postfix, which then has to send it on. */
  async function submit(to: string): Promise<void> {
    const data = ['--data', `@${join(folder, 'message')}`, '--no-data-fixup'];
    const { exitCode, dialogue } = await swaks(postfix.port, '--to', to, '--from', 'bob@example.org', ...data);
    expect(exitCode, dialogue).toBe(0);
  }

  /** The report of the one transaction whose message came through; the backend has it before the gateway reports. */
  async function reportOf(server: GatewayServer, recipient: string): Promise<Report> {
    const isMeant = ({ outcome, recipients }: Report): boolean =>
      outcome === 'accepted' && recipients.some(({ address }) => address === recipient);
    return await vi.waitUntil(() => server.reports.find(isMeant), soon);
  }

  async function extensionsOf(server: GatewayServer): Promise<readonly string[]> {
    await using client = await SmtpDriver.connect({ port: server.port });
    await client.reply();
    return (await client.command('EHLO client.example')).lines.slice(1);
  }

  it('brings its mail through: three recipients at once, one of them refused by the backend and one by a check', async () => {
    expect(await extensionsOf(gateway)).toEqual(expect.arrayContaining(['PIPELINING', '8BITMIME', 'SMTPUTF8']));
    sink.setFaults([{ stage: 'rcpt', match: 'no@example.net', fault: 'reply', reply: '550 5.1.1 No such user' }]);
    await submit('ann@example.net,no@example.net,x@elsewhere.example');
    await expect.poll(() => sink.messages.length, soon).toBe(1);

    const [kept] = sink.messages;
    expect(kept?.reversePath).toEqual({
      address: 'bob@example.org',
      parameters: { BODY: '8BITMIME', SIZE: expect.any(String) },
    });
    expect(kept?.recipients.filter(({ accepted }) => accepted).map(({ address }) => address)).toEqual([
      'ann@example.net',
    ]);
    const text = kept?.message.toString() ?? '';
    expect(text).toMatch(
      /^(?:Authentication-Results: mx\.example\.org; none\r\n)?Received: from mailbox\.test \(\[127\.0\.0\.1\]\)\r\n by mx\.example\.org with ESMTP id /,
    );
    expect(text).toContain('Received: from client.example (unknown [127.0.0.1])');
    expect(text.endsWith(message)).toBe(true);

    const { id } = await reportOf(gateway, 'ann@example.net');
    await expect.poll(() => postfix.log, soon).toContain(`status=sent (250 2.0.0 Message accepted, queued as ${id})`);
    const bounced = (recipient: string, reply: string): string =>
      `to=<${recipient}>, .*dsn=${reply.slice(4)}.*status=bounced \\(host .* said: ${reply} .*in reply to RCPT TO command\\)\\)?`;
    expect(postfix.log).toMatch(new RegExp(bounced('no@example\\.net', '550 5.1.1')));
    expect(postfix.log).toMatch(new RegExp(bounced('x@elsewhere\\.example', '550 5.7.1')));
    // The sender learns both from Postfix, in our words.
    await expect.poll(() => String(postfix.mailbox('bob')), soon).toContain('5.7.1');
    expect(String(postfix.mailbox('bob'))).toContain('No such user');
  });

  it('keeps to seven bits, and to one command at a time, where nothing else is offered', async () => {
    expect((await extensionsOf(plain)).filter((line) => !line.startsWith('SIZE'))).toEqual([]);
    await submit('ann@plain.example');
    await expect.poll(() => sink.messages.length, soon).toBe(1);
    const [kept] = sink.messages;
    expect(kept?.reversePath.parameters).not.toHaveProperty('BODY');
    expect(String(kept?.message)).toContain('Content-Transfer-Encoding: quoted-printable');
    expect(String(kept?.message)).toContain('Gr=C3=BC=C3=9Fe aus K=C3=B6ln\r\n.\r\n..and a line of dots\r\n');
    expect((await reportOf(plain, 'ann@plain.example')).session.helo).toBe('mailbox.test');
  });

  it('sends on what is not ASCII in addresses where that is offered, and bounces it where it is not', async () => {
    await using client = await SmtpDriver.connect({ port: postfix.port });
    await client.reply();
    await client.command('EHLO client.example');
    expect((await client.command('MAIL FROM:<grün@example.org> SMTPUTF8')).code).toBe(250);
    expect((await client.command('RCPT TO:<ann@example.net>')).code).toBe(250);
    expect((await client.command('RCPT TO:<ben@plain.example>')).code).toBe(250);
    expect((await client.data('Subject: Grüße\r\n\r\n')).code).toBe(250);
    await expect.poll(() => sink.messages.length, soon).toBe(1);
    const [kept] = sink.messages;
    expect(kept?.reversePath).toMatchObject({ address: 'grün@example.org', parameters: { SMTPUTF8: true } });
    expect(String(kept?.message)).toMatch(/^Received: .*\r\n by mx\.example\.org with UTF8SMTP id /m);
    expect(String(kept?.message)).toMatch(/^Subject: Grüße\r\n\r\n$/m);
    await expect
      .poll(() => postfix.log, soon)
      .toMatch(/to=<ben@plain\.example>.*dsn=5\.6\.7.*status=bounced \(SMTPUTF8 is required, but was not offered/);
  });

  it('keeps its mail while the backend is down, and brings it once when it is back', async () => {
    const { port } = sink;
    await sink.close();
    const logged = postfix.log.length;
    await submit('ann@example.net');
    const waits = /status=deferred \(host .* said: 451 4\.4\.1 .*in reply to RCPT TO command\)\)/;
    await expect.poll(() => postfix.log.slice(logged), soon).toMatch(waits);
    sink = await SmtpSink.start({ host: sinkHost, port });
    // The line is written before the message is back in the queue: only a later request may find it there.
    const arrived = async (): Promise<number> => {
      await postfix.flush();
      return sink.messages.length;
    };
    await expect.poll(arrived, { ...soon, interval: 200 }).toBe(1);
    await expect.poll(() => postfix.log.slice(logged), soon).toMatch(/status=sent/);
    expect(sink.transactions.filter(({ finalDot }) => finalDot)).toHaveLength(1);
    expect(String(sink.messages[0]?.message).endsWith(message)).toBe(true);
  });

  it('brings every one of forty messages once', async () => {
    const load = ['-s', '4', '-m', '40', '-l', '3000', '-f', 'bob@example.org', '-t', 'forty@example.net'];
    await run(smtpSource.path ?? '', [...load, `127.0.0.1:${postfix.port}`]);
    await expect.poll(() => sink.messages.length, soon).toBe(40);
    const own = sink.messages.map((each) => /id <?([\w.@-]+)>?\r\n/i.exec(String(each.message))?.[1]);
    expect(new Set(own).size).toBe(40);
    const outcomes = (): readonly Outcome[] =>
      gateway.reports
        .filter(({ recipients }) => recipients.some(({ address }) => address === 'forty@example.net'))
        .map(({ outcome }) => outcome);
    await expect.poll(outcomes, soon).toEqual(Array.from({ length: 40 }, () => 'accepted'));
  });
});
