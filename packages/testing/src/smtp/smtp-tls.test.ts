import { once } from 'node:events';
import { createServer } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCertificate } from '../certificate.ts';
import { SmtpDriver } from './smtp-driver.ts';
import { SmtpSink } from './smtp-sink.ts';

const tls = createCertificate();
let sink: SmtpSink;
beforeEach(async () => {
  sink = await SmtpSink.start({ tls });
});
afterEach(() => sink.close());

it('STARTTLS: a message over TLS', async () => {
  await using client = await SmtpDriver.connect({ port: sink.port });
  await client.reply();
  expect((await client.command('EHLO c')).lines).toContain('STARTTLS');
  expect(client.tls).toBeUndefined();
  expect(await client.startTls({ ca: tls.cert, rejectUnauthorized: true, servername: 'localhost' })).toMatchObject({
    code: 220,
  });
  expect(client.tls?.authorized).toBe(true);
  // RFC 3207 §4.2: the client starts anew.
  expect(await client.command('MAIL FROM:<a@b>')).toMatchObject({ code: 503 });
  expect((await client.command('EHLO c')).lines).not.toContain('STARTTLS');
  expect(await client.command('STARTTLS')).toMatchObject({ code: 503 });
  await client.command('MAIL FROM:<a@b>');
  await client.command('RCPT TO:<a@b>');
  expect(await client.data('secret')).toMatchObject({ code: 250 });
  expect(sink.messages[0]?.client).toMatchObject({ tls: true, helo: 'c' });
  await client.command('QUIT');
  expect(await client.closed).toBe('end');
});

it('STARTTLS: what was pipelined behind it is forgotten', async () => {
  await using client = await SmtpDriver.connect({ port: sink.port });
  await client.reply();
  await client.command('EHLO c');
  await client.send('STARTTLS\r\nNOOP\r\n');
  await client.reply();
  await client.upgrade();
  expect(await client.command('EHLO c')).toMatchObject({ code: 250, lines: expect.arrayContaining(['PIPELINING']) });
  expect(sink.commands).toEqual(['EHLO c', 'STARTTLS', 'EHLO c']);
});

it('STARTTLS: can be refused, broken off, or reset', async () => {
  sink.setFaults([{ stage: 'starttls', fault: 'reply', reply: '454 4.7.0 Not now', times: 1 }]);
  await using client = await SmtpDriver.connect({ port: sink.port, timeoutMs: 1_000 });
  await client.reply();
  await client.command('EHLO c');
  expect(await client.startTls()).toMatchObject({ code: 454 });
  sink.setFaults([{ stage: 'helo', fault: 'reset' }]);
  await client.startTls();
  await expect(client.command('EHLO c')).rejects.toThrow();
  expect(await client.closed).toBe('reset');
});

it('STARTTLS: a server that talks on without TLS ends the handshake', async () => {
  sink.setFaults([{ stage: 'noop', fault: 'reply', reply: '220 not TLS' }]);
  await using client = await SmtpDriver.connect({ port: sink.port, timeoutMs: 1_000 });
  await client.reply();
  await client.command('NOOP');
  await expect(client.upgrade()).rejects.toThrow();
  await client.closed;
});

it('a client that leaves without a word is gone', async () => {
  const client = await SmtpDriver.connect({ port: sink.port });
  await client.reply();
  await client.command('EHLO c');
  await client.startTls();
  client.reset();
  await client.closed;
  await sink.idle();
});

it('TLS from the first byte (RFC 8314 §3)', async () => {
  const server = createServer(tls, (socket) => socket.end('220 hello\r\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  await using client = await SmtpDriver.connect({ port: address.port, tls: { ca: tls.cert } });
  expect(await client.reply()).toMatchObject({ code: 220 });
  expect(client.tls?.encrypted).toBe(true);
  await client.closed;
  server.close();
});

it('does not start with a broken certificate', async () => {
  await expect(SmtpSink.start({ tls: { key: 'no', cert: 'no' } })).rejects.toThrow();
});
