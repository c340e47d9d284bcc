import { createHmac } from 'node:crypto';
import type { LoginAttempt, Session } from '@postern/core';
import { type DriverReply, SmtpDriver, SmtpSink } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { smtpBackend } from './smtp-backend.ts';
import { bench, check, opinion, permits, TestServer, text } from './test-bench.ts';

const auth = check('auth', {
  authenticate: (attempt: LoginAttempt) =>
    (attempt.mechanism === 'PLAIN' || attempt.mechanism === 'LOGIN') && attempt.password === 'secret'
      ? opinion({ user: attempt.user })
      : attempt.mechanism === 'CRAM-MD5' && attempt.provedBy('secret')
        ? opinion({ user: attempt.user })
        : undefined,
});
const plain = (token: string): string => `AUTH PLAIN ${Buffer.from(token).toString('base64')}`;
/** With the certificate of smtp-server itself, whose key everybody knows. */
const withTls = { sniOptions: {} };

async function connect(server: TestServer, more: object = {}): Promise<SmtpDriver> {
  const client = await SmtpDriver.connect({ port: server.port, ...more });
  await client.reply();
  return client;
}

describe('smtpServerOptions', () => {
  it('takes a message from MAIL to the final dot', async () => {
    const { gateway, backend, reports } = bench([permits]);
    await using server = await TestServer.start(gateway);
    await using client = await SmtpDriver.connect({ port: server.port });
    expect(await client.reply()).toMatchObject({ code: 220, text: expect.stringContaining('mx.example.org') });
    const ehlo = await client.command('EHLO Client.Example');
    expect(ehlo.lines).toEqual(expect.arrayContaining(['SIZE 26214400', 'PIPELINING', 'SMTPUTF8']));
    expect(ehlo.text).not.toMatch(/AUTH|STARTTLS/);
    expect((await client.command('MAIL FROM:<ann@client.example> SIZE=100')).code).toBe(250);
    expect((await client.command('RCPT TO:<bob@example.org>')).code).toBe(250);
    expect(await client.command('RCPT TO:<x@elsewhere.example>')).toMatchObject({ code: 550, enhanced: '5.7.1' });
    const done = await client.data(text);
    expect(done).toMatchObject({ code: 250, enhanced: '2.0.0' });
    const [report] = reports;
    expect(done.text).toContain(report?.id);
    expect(report).toMatchObject({
      outcome: 'accepted',
      reversePath: 'ann@client.example',
      session: { helo: 'client.example', client: { address: '127.0.0.1', port: client.localPort } },
      recipients: [
        { address: 'bob@example.org', reply: { code: 250 }, permit: 'local' },
        { address: 'x@elsewhere.example', reply: { code: 550, enhanced: '5.7.1' } },
      ],
      message: { messageId: '<1@client.example>' },
    });
    expect(backend.messages[0]).toMatch(/^Received: from client\.example \(\[127\.0\.0\.1\]\)/m);
    expect(backend.messages[0]).toContain(`id ${report?.id}`);
    expect(backend.messages[0]).toMatch(/\r\n\r\nHello\r\n$/);
  });

  it('asks HELO checks before the first MAIL and again when the name changes', async () => {
    const names: string[] = [];
    const helo = check('helo', {
      helo: (name) => {
        names.push(name);
        return undefined;
      },
    });
    const { gateway } = bench([helo, permits]);
    await using server = await TestServer.start(gateway);
    await using client = await connect(server);
    await client.command('EHLO one.example');
    expect(names).toEqual([]);
    for (const line of ['MAIL FROM:<a@b.example>', 'RSET', 'MAIL FROM:<a@b.example>', 'EHLO two.example']) {
      await client.command(line);
    }
    expect(names).toEqual(['one.example']);
    await client.command('MAIL FROM:<a@b.example>');
    expect(names).toEqual(['one.example', 'two.example']);
  });

  it('ends a transaction at RSET and at EHLO, at once', async () => {
    const { gateway, reports } = bench([permits]);
    await using server = await TestServer.start(gateway);
    await using client = await connect(server);
    await client.command('EHLO one.example');
    await client.command('MAIL FROM:<a@b.example>');
    await client.command('RCPT TO:<bob@example.org>');
    await client.command('RSET');
    expect(reports).toMatchObject([{ outcome: 'aborted', kind: 'transaction' }]);
    await client.command('MAIL FROM:<a@b.example>');
    await client.command('HELO one.example');
    expect(reports).toMatchObject([{}, { outcome: 'aborted' }]);
    expect(reports[0]?.id).not.toBe(reports[1]?.id);
  });

  it('refuses the connection with a reply that a greeting may be', async () => {
    const listed = check('listed', {
      connect: () => opinion({ verdict: 'reject', reply: { code: 550, enhanced: '5.7.1', text: 'Listed' } }),
    });
    const { gateway, reports } = bench([listed], { enforceAt: 'stage' });
    await using server = await TestServer.start(gateway);
    await using client = await SmtpDriver.connect({ port: server.port });
    expect(await client.reply()).toMatchObject({
      code: 554,
      enhanced: '5.7.1',
      text: expect.stringContaining('Listed'),
    });
    expect(await client.closed).toBe('end');
    await expect.poll(() => reports).toMatchObject([{ kind: 'session', outcome: 'rejected' }]);
  });

  it('closes the connection after a 421', async () => {
    const limit = check('limit', {
      mail: () => opinion({ verdict: 'defer', reply: { code: 421, enhanced: '4.7.0', text: 'Too many' } }),
    });
    const { gateway, reports } = bench([limit]);
    await using server = await TestServer.start(gateway);
    await using client = await connect(server);
    await client.command('EHLO a');
    expect(await client.command('MAIL FROM:<>')).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect(await client.closed).toBe('end');
    expect(reports).toMatchObject([{ outcome: 'deferred', reply: { code: 421 } }]);
  });

  it('offers login only under TLS, and forgets it with everything else at STARTTLS', async () => {
    const sessions: Session[] = [];
    const watch = check('watch', { mail: (transaction) => void sessions.push(transaction.session) });
    const { gateway } = bench([auth, watch, permits], { service: 'submission' });
    await using server = await TestServer.start(gateway, withTls);
    await using client = await connect(server);
    const clear = await client.command('EHLO one.example');
    expect(clear.lines).toContain('STARTTLS');
    expect(clear.text).not.toContain('AUTH');
    expect((await client.command(plain('\0ann\0secret'))).code).toBe(500);
    expect(await client.command('MAIL FROM:<a@b.example>')).toMatchObject({ code: 530, enhanced: '5.7.0' });
    expect((await client.startTls()).code).toBe(220);
    expect((await client.command('MAIL FROM:<a@b.example>')).code).toBe(503);
    expect((await client.command('EHLO two.example')).text).toContain('AUTH LOGIN PLAIN');
    expect(await client.command('MAIL FROM:<a@b.example>')).toMatchObject({ code: 530, enhanced: '5.7.0' });
    expect(await client.command(plain('\0ann\0wrong'))).toMatchObject({ code: 535, enhanced: '5.7.8' });
    // RFC 4616: to act as another is nothing that one can ask for here.
    expect((await client.command(plain('eve\0ann\0secret'))).code).toBe(535);
    expect((await client.command(plain('\0ann\0secret'))).code).toBe(235);
    expect((await client.command('MAIL FROM:<a@b.example>')).code).toBe(250);
    expect(sessions.at(-1)).toMatchObject({
      user: 'ann',
      helo: 'two.example',
      esmtp: true,
      tls: { protocol: 'TLSv1.3', cipher: expect.stringContaining('TLS_') },
    });
  });

  it('knows what implicit TLS agreed on before its checks at connect are asked', async () => {
    let seen: Session['tls'];
    const watch: typeof permits = {
      name: 'watch',
      start: (session) => ({
        connect: () => {
          seen = session.tls;
          return undefined;
        },
      }),
    };
    const { gateway } = bench([watch, auth, permits]);
    await using server = await TestServer.start(gateway, { ...withTls, secure: true });
    await using client = await connect(server, { tls: { rejectUnauthorized: false, servername: 'mx.example.org' } });
    expect(seen).toMatchObject({ protocol: 'TLSv1.3', servername: 'mx.example.org' });
    expect((await client.command('EHLO a')).text).toContain('AUTH');
  });

  it('knows CRAM-MD5 and does not know what a check cannot judge', async () => {
    const { gateway } = bench([auth, permits]);
    await using server = await TestServer.start(gateway, {
      allowInsecureAuth: true,
      authMethods: ['CRAM-MD5', 'LOGIN'],
    });
    await using client = await connect(server);
    expect((await client.command('EHLO a')).text).toContain('AUTH CRAM-MD5 LOGIN');
    const challenge = await client.command('AUTH CRAM-MD5');
    const proof = createHmac('md5', 'secret').update(Buffer.from(challenge.text, 'base64')).digest('hex');
    expect((await client.command(Buffer.from(`ann ${proof}`).toString('base64'))).code).toBe(235);
  });

  it('gives A-labels to checks and backend, and understands parameters', async () => {
    const { gateway, backend, reports } = bench([
      check('permits', {
        recipient: (_transaction, path) =>
          path.domain === 'xn--bcher-kva.example' ? opinion({ permit: 'local' }) : undefined,
      }),
    ]);
    await using server = await TestServer.start(gateway);
    await using client = await connect(server);
    await client.command('EHLO a');
    await client.command('MAIL FROM:<ann@xn--bcher-kva.example> BODY=8BITMIME');
    expect((await client.command('RCPT TO:<bob@xn--bcher-kva.example>')).code).toBe(250);
    expect((await client.command('RCPT TO:<ben@bücher.example>')).code).toBe(250);
    await client.command('RSET');
    expect(backend.recipients).toEqual(['bob@xn--bcher-kva.example', 'ben@xn--bcher-kva.example']);
    expect(reports[0]?.reversePath).toBe('ann@xn--bcher-kva.example');
  });

  it('takes a source route for what it leads to', async () => {
    const { gateway, backend } = bench([permits]);
    await using server = await TestServer.start(gateway);
    await using client = await connect(server);
    await client.command('EHLO a');
    await client.command('MAIL FROM:<>');
    // RFC 5321 appendix C: the route is to be ignored.
    expect((await client.command('RCPT TO:<@example.org:x@elsewhere.example>')).code).toBe(550);
    expect((await client.command('RCPT TO:<@elsewhere.example:bob@example.org>')).code).toBe(250);
    expect(backend.recipients).toEqual(['bob@example.org']);
  });

  it('judges the client that a proxy introduces anew', async () => {
    const addresses: string[] = [];
    const watch: typeof permits = {
      name: 'watch',
      start: (session) => ({
        connect: () => {
          addresses.push(session.client.address);
          return session.client.address === '192.0.2.66' ? opinion({ verdict: 'reject' }) : undefined;
        },
      }),
    };
    const { gateway, reports } = bench([watch, permits]);
    await using server = await TestServer.start(gateway, { useXClient: true });
    await using client = await connect(server);
    await client.command('EHLO proxy.example');
    expect((await client.command('XCLIENT ADDR=192.0.2.66 LOGIN=root')).code).toBe(220);
    await client.command('EHLO spam.example');
    await client.command('MAIL FROM:<a@b.example>');
    expect((await client.command('RCPT TO:<bob@example.org>')).code).toBe(550);
    expect(addresses).toEqual(['127.0.0.1', '192.0.2.66']);
    expect(reports).toMatchObject([{ kind: 'session', session: { client: { address: '127.0.0.1' } } }]);
  });

  it('takes the client from a PROXY header', async () => {
    const { gateway, reports } = bench([permits]);
    await using server = await TestServer.start(gateway, { useProxy: true });
    await using client = await SmtpDriver.connect({ port: server.port });
    await client.send('PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n');
    await client.reply();
    await client.command('QUIT');
    await client.closed;
    await expect.poll(() => reports).toMatchObject([{ session: { client: { address: '192.0.2.7', port: 4711 } } }]);
  });

  it.each(['onData', 'size', 'lmtp', 'authOptional'])('does not let %s be set from outside', (name) => {
    const { gateway } = bench([]);
    expect(() => gateway.smtpServerOptions({ [name]: undefined })).toThrow(TypeError);
    expect(() => gateway.smtpServerOptions({ [name]: undefined })).toThrow(name);
  });

  it('switches off what nobody needs', async () => {
    const { gateway } = bench([permits]);
    await using server = await TestServer.start(gateway, { disabledCommands: ['VRFY'] });
    await using client = await connect(server);
    await client.command('EHLO a');
    for (const line of ['WIZ please', 'SHELL', 'KILL', 'STARTTLS', 'AUTH PLAIN', 'VRFY root']) {
      expect((await client.command(line)).code).toBe(500);
    }
  });
});

describe('with a server behind it', () => {
  const start = async (sink: SmtpSink) => {
    const backend = smtpBackend({ host: '127.0.0.1', port: sink.port });
    const bundle = bench([permits], { deliver: backend });
    return { ...bundle, smtp: backend, server: await TestServer.start(bundle.gateway) };
  };
  const rcpt = (client: SmtpDriver, name: string): Promise<DriverReply> =>
    client.command(`RCPT TO:<${name}@example.org>`);

  it('passes its refusal of one of three recipients on, and delivers to the others', async () => {
    await using sink = await SmtpSink.start({
      faults: [{ stage: 'rcpt', match: 'two@example.org', fault: 'reply', reply: '550 5.1.1 No such user' }],
    });
    const { server, reports, smtp } = await start(sink);
    await using _server = server;
    await using _smtp = smtp;
    await using client = await connect(server);
    await client.command('EHLO a');
    await client.command('MAIL FROM:<ann@client.example>');
    const replies = [await rcpt(client, 'one'), await rcpt(client, 'two'), await rcpt(client, 'three')];
    expect(replies.map(({ code }) => code)).toEqual([250, 550, 250]);
    expect(replies[1]).toMatchObject({ enhanced: '5.1.1', text: expect.stringContaining('No such user') });
    expect((await client.data(text)).code).toBe(250);
    const [message] = sink.messages;
    expect(message?.recipients.filter((each) => each.reply.startsWith('250')).map((each) => each.address)).toEqual([
      'one@example.org',
      'three@example.org',
    ]);
    expect(reports).toMatchObject([{ outcome: 'accepted', recipients: [{}, { reply: { code: 550 } }, {}] }]);
  });

  it('says 250 only when it has said so', async () => {
    await using sink = await SmtpSink.start({
      faults: [{ stage: 'dot', fault: 'reply', reply: '452 4.2.2 Mailbox full' }],
    });
    const { server, reports, smtp } = await start(sink);
    await using _server = server;
    await using _smtp = smtp;
    await using client = await connect(server);
    await client.command('EHLO a');
    await client.command('MAIL FROM:<ann@client.example>');
    await rcpt(client, 'one');
    expect(await client.data(text)).toMatchObject({ code: 452, enhanced: '4.2.2' });
    expect(reports).toMatchObject([{ outcome: 'deferred', reply: { code: 452 } }]);
  });

  it('says 451 when it is down, and when it goes down between the final dot and the reply', async () => {
    const sink = await SmtpSink.start({ faults: [{ stage: 'dot', fault: 'close' }] });
    const { server, reports, smtp } = await start(sink);
    await using _server = server;
    await using _smtp = smtp;
    await using client = await connect(server);
    await client.command('EHLO a');
    await client.command('MAIL FROM:<ann@client.example>');
    await rcpt(client, 'one');
    expect(await client.data(text)).toMatchObject({ code: 451 });
    expect(reports).toMatchObject([{ outcome: 'unknown', reply: { code: 451 } }]);
    await sink.close();
    await client.command('MAIL FROM:<ann@client.example>');
    expect(await rcpt(client, 'one')).toMatchObject({ code: 451 });
    expect((await client.command('DATA')).code).toBe(503);
    await client.command('RSET');
    expect(reports).toMatchObject([{}, { outcome: 'deferred' }]);
  });
});
