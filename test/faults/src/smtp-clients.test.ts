import { type SmtpBackend, smtpBackend } from '@postern/gateway';
import { asMailData, SmtpDriver, SmtpSink } from '@postern/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GatewayServer } from './gateway-server.ts';

let sink: SmtpSink;
let backend: SmtpBackend;
let gateway: GatewayServer;

beforeAll(async () => {
  sink = await SmtpSink.start();
  backend = smtpBackend({ host: '127.0.0.1', port: sink.port });
  gateway = await GatewayServer.start({ deliver: backend });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await backend.close();
  await sink.close();
});

beforeEach(() => {
  sink.clear();
  gateway.reports.length = 0;
});

async function greeted(): Promise<SmtpDriver> {
  const client = await SmtpDriver.connect({ port: gateway.port });
  await client.reply();
  await client.command('EHLO client.example');
  return client;
}

async function withRecipient(): Promise<SmtpDriver> {
  const client = await greeted();
  await client.command('MAIL FROM:<ann@client.example>');
  expect(await client.command('RCPT TO:<bob@example.org>')).toMatchObject({ code: 250 });
  return client;
}

/** All codes until the server ends the connection, which it must. */
async function repliesUntilTheEnd(client: SmtpDriver): Promise<readonly number[]> {
  const codes: number[] = [];
  const over = client.closed.then(() => undefined);
  for (;;) {
    // Rejects at the end, and fails on what is no reply.
    const reply = await client.reply().catch((error: unknown) => {
      if (error instanceof Error && Reflect.get(error, 'reason') === 'closed') return undefined;
      throw error;
    });
    if (reply === undefined) break;
    for (const line of reply.lines) expect(line.length).toBeLessThanOrEqual(506);
    codes.push(reply.code);
  }
  await over;
  return codes;
}

/** A client that behaves: whatever others did before, its mail goes through. */
async function expectService(): Promise<void> {
  await using client = await withRecipient();
  expect(await client.data('Subject: still served\r\n\r\n')).toMatchObject({ code: 250 });
  expect(String(sink.messages.at(-1)?.message)).toContain('Subject: still served');
  await client.command('QUIT');
}

describe('a client that sends garbage', () => {
  const smuggled = 'EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n';

  it.each([
    ['a TLS handshake', Buffer.from('16030100a5010000a103030a0d0a0d0a2e0d0a', 'hex')],
    ['a request of a browser with SMTP in it', `POST / HTTP/1.1\r\nHost: mx\r\nContent-Length: 99\r\n\r\n${smuggled}`],
    ['nothing but line ends', '\r\n'.repeat(1_000)],
    ['nothing but NUL', Buffer.alloc(20_000)],
    ['commands nobody knows', 'X-NONSENSE\r\n'.repeat(1_000)],
  ])('%s is told to go, and nobody behind hears of it', async (_, bytes) => {
    await using client = await SmtpDriver.connect({ port: gateway.port });
    expect((await client.reply()).code).toBe(220);
    await client.send(bytes);
    client.end();
    const codes = await repliesUntilTheEnd(client);
    expect(codes.filter((code) => code < 400)).toEqual([]);
    await expect.poll(() => gateway.reports).toMatchObject([{ kind: 'session' }]);
    expect(sink.transactions).toEqual([]);
    await expectService();
  });

  it('before the greeting is told to go', async () => {
    await using client = await SmtpDriver.connect({ port: gateway.port });
    await client.send(smuggled);
    expect(await repliesUntilTheEnd(client)).toEqual([421]);
    expect(sink.transactions).toEqual([]);
  });

  it('gets no reply that is none, does no harm, and is reported once', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom(
        'EHLO',
        'HELO ',
        'MAIL',
        'MAIL FROM:',
        'MAIL FROM:<>',
        'RCPT TO:',
        'RCPT TO:<',
        'DATA',
        'AUTH',
        '.',
      ),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3_000 }).map((octets) => Buffer.from(octets)),
      fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join('\r\n'))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: 20, maxLength: 20 }), async (clients) => {
        gateway.reports.length = 0;
        const one = async (garbage: Buffer): Promise<void> => {
          await using client = await SmtpDriver.connect({ port: gateway.port });
          expect((await client.reply()).code).toBe(220);
          await client.send(garbage);
          client.end();
          await repliesUntilTheEnd(client);
        };
        await Promise.all(clients.map(one));
        expect(sink.transactions).toEqual([]);
        await expect.poll(() => new Set(gateway.reports.map(({ session }) => session.id)).size).toBe(clients.length);
        expect(gateway.reports.filter(({ outcome }) => outcome === 'accepted')).toEqual([]);
      }),
      { numRuns: 8 },
    );
    await expectService();
  });
});

describe('a client that sends overlong lines', () => {
  it.each([
    ['a command without an end', Buffer.alloc(2_000_000, 'x')],
    ['an endless command with an end', Buffer.concat([Buffer.alloc(100_000, 'x'), Buffer.from('\r\n')])],
    ['an endless recipient', Buffer.from(`RCPT TO:<${'x'.repeat(100_000)}@example.org>\r\n`)],
  ])('%s ends the session', async (_, bytes) => {
    await using client = await greeted();
    // The server is gone before all of it is sent.
    await client.send(bytes).catch(() => {});
    expect(await repliesUntilTheEnd(client)).toEqual([421]);
    expect(sink.transactions).toEqual([]);
    await expectService();
  });

  it('is refused names and addresses that are longer than any can be', async () => {
    await using client = await greeted();
    expect((await client.command(`EHLO ${'x'.repeat(10_000)}`)).code).toBe(501);
    expect((await client.command('MAIL FROM:<ann@client.example>')).code).toBe(250);
    for (const address of [
      `${'x'.repeat(65)}@example.org`,
      `${'x'.repeat(10_000)}@example.org`,
      `x@${'y.'.repeat(200)}org`,
    ]) {
      const reply = await client.command(`RCPT TO:<${address}>`);
      expect(Math.floor(reply.code / 100)).toBe(5);
      expect(reply.text.length).toBeLessThanOrEqual(506);
    }
    expect(sink.transactions).toEqual([]);
  });

  it('gets a line of 3 MB in the body through as it is', async () => {
    await using client = await withRecipient();
    const message = `Subject: long\r\n\r\n${'.long'.repeat(600_000)}\r\n`;
    expect(await client.data(message)).toMatchObject({ code: 250 });
    expect(sink.messages[0]?.message.toString('latin1').endsWith(message)).toBe(true);
  });

  it.each([
    ['in the header', `Subject: ${'x'.repeat(300_000)}\r\n\r\n`, 552],
    ['of too many in the header', `${'X: y\r\n'.repeat(1_001)}\r\n`, 554],
  ])('is refused one %s', async (_, message, code) => {
    await using client = await withRecipient();
    expect(await client.data(message)).toMatchObject({ code });
    expect(sink.messages).toEqual([]);
    expect(gateway.reports).toMatchObject([{ outcome: 'rejected', reply: { code } }]);
  });
});

describe('a client that leaves without QUIT', () => {
  it.each<[string, (client: SmtpDriver) => void]>([
    ['FIN', (client) => client.end()],
    ['RST', (client) => client.reset()],
  ])('with %s behind the reply has delivered its mail', async (_, leave) => {
    await using client = await withRecipient();
    expect(await client.data('Subject: no farewell\r\n\r\n')).toMatchObject({ code: 250 });
    leave(client);
    await client.closed;
    expect(sink.messages).toHaveLength(1);
    await expect.poll(() => gateway.reports).toMatchObject([{ outcome: 'accepted' }]);
  });

  it.each<[string, (client: SmtpDriver) => void]>([
    ['FIN', (client) => client.end()],
    ['RST', (client) => client.reset()],
  ])('with %s right behind the final dot is reported for what became of its mail', async (_, leave) => {
    await using client = await withRecipient();
    await client.command('DATA');
    await client.send(asMailData('Subject: no farewell\r\n\r\nHello\r\n'));
    leave(client);
    await client.closed;
    await expect.poll(() => gateway.reports.length).toBe(1);
    const [report] = gateway.reports;
    // The reset may overtake the message. If it does not, the message is delivered to the end, and the client may not have
    // heard of it.
    expect(['aborted', 'unknown', 'accepted']).toContain(report?.outcome);
    expect(sink.messages).toHaveLength(report?.outcome === 'aborted' ? 0 : 1);
    expect(sink.transactions.filter(({ finalDot }) => finalDot)).toHaveLength(sink.messages.length);
  });
});

it('a client that sends byte by byte is served like any other', async () => {
  await using client = await SmtpDriver.connect({ port: gateway.port });
  await client.reply();
  for (const line of ['EHLO client.example', 'MAIL FROM:<ann@client.example>', 'RCPT TO:<bob@example.org>', 'DATA']) {
    await client.slow(`${line}\r\n`, 1);
    expect((await client.reply()).code).toBeLessThan(400);
  }
  await client.slow(asMailData('Subject: slow\r\n\r\n.\r\n..\r\nend\r\n'), 1);
  expect((await client.reply()).code).toBe(250);
  expect(String(sink.messages[0]?.message)).toMatch(/Subject: slow\r\n\r\n\.\r\n\.\.\r\nend\r\n$/);
});

describe('a client that hides a second message in the first', () => {
  const hidden = 'MAIL FROM:<evil@client.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: hidden\r\n\r\n.\r\n';
  const withEnd = (end: string): string =>
    `Subject: seen\r\n\r\nHello${end}${hidden.replace(/\r\n\.\r\n$/, '\r\n..\r\n')}.\r\n`;
  const broken = ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\r\n.\r', '\r.\r\n', '\n\n.\r\n'];

  it.each(broken)('behind %j is refused', async (end) => {
    await using client = await withRecipient();
    await client.command('DATA');
    await client.send(withEnd(end));
    expect(await client.reply()).toMatchObject({ code: 550, enhanced: '5.6.0' });
    expect(await client.command('NOOP')).toMatchObject({ code: 250 });
    expect(sink.messages).toEqual([]);
    expect(gateway.reports).toMatchObject([{ outcome: 'rejected' }]);
  });

  it.each(['\r\n\0.\r\n', '\r\n. \r\n', '\r\n.\t\r\n', '\r\n..\r\n'])('behind %j has sent one message', async (end) => {
    await using client = await withRecipient();
    await client.command('DATA');
    await client.send(withEnd(end));
    expect(await client.reply()).toMatchObject({ code: 250 });
    expect(await client.command('NOOP')).toMatchObject({ code: 250 });
    expect(sink.messages).toHaveLength(1);
    expect(String(sink.messages[0]?.message)).toContain('MAIL FROM:<evil@client.example>');
  });

  it.each(broken)('behind %j has sent one message, where newlines are normalized', async (end) => {
    await using lenient = await GatewayServer.start({ deliver: backend, bareNewlines: 'normalize' });
    await using client = await SmtpDriver.connect({ port: lenient.port });
    await client.reply();
    await client.send('EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n');
    for (let replies = 0; replies < 4; replies += 1) await client.reply();
    await client.send(withEnd(end));
    expect(await client.reply()).toMatchObject({ code: 250 });
    expect(sink.transactions).toHaveLength(1);
    const text = String(sink.messages[0]?.message);
    expect(text).toContain('MAIL FROM:<evil@client.example>');
    expect(text).not.toMatch(/(?:^|[^\r])\n|\r(?!\n)/);
  });

  it.each([
    'bob\r@example.org',
    'bob\0@example.org',
    'bob\n@example.org',
    'bob\t@example.org',
    'bob @example.org',
    '"bob\r\nDATA"@example.org',
    'bob>\rRCPT TO:<eve@example.org',
    'bob@example.org>\0',
    'bob%elsewhere.example@example.org',
  ])('or a command in an address: %j', async (address) => {
    await using client = await greeted();
    await client.command('MAIL FROM:<ann@client.example>');
    const reply = await client.command(`RCPT TO:<${address}>`);
    expect(Math.floor(reply.code / 100)).toBe(5);
    expect(sink.commands.filter((command) => !/^[ -~]*$/.test(command) || command.includes('eve'))).toEqual([]);
    expect(sink.transactions).toEqual([]);
  });
});
