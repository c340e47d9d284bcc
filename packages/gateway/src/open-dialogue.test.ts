import { once } from 'node:events';
import { SmtpSink } from '@postern/testing';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import { type DialogueTarget, openDialogue } from './open-dialogue.ts';

const target = {
  host: '127.0.0.1',
  name: 'gw.example',
  tls: 'none',
  tlsOptions: {},
  auth: undefined,
  connectTimeoutMs: 5_000,
} as const;
/** The server's certificate is one that smtp-server brings for tests: nobody vouches for it. */
const anyCertificate = { rejectUnauthorized: false };

/** Opens a dialogue with a server that speaks TLS and knows one login. */
async function opened(options: SMTPServerOptions, to: Partial<DialogueTarget>) {
  const logins: string[] = [];
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    onAuth({ username, password }, _session, callback) {
      logins.push(`${username}:${password}`);
      if (password === 'right') callback(null, { user: username });
      else callback(new Error('535 wrong, you said d3Jvbmc='));
    },
    ...options,
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const result = await openDialogue({ ...target, port, ...to });
  const heard = result.kind === 'open' ? await result.dialogue.command('NOOP', 5_000) : undefined;
  if (result.kind === 'open') result.dialogue.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return { result, heard, logins };
}

describe('openDialogue', () => {
  it('takes over a session that nodemailer established, and knows what the server offers', async () => {
    const { result, heard } = await opened({ size: 1234 }, {});
    if (result.kind !== 'open') throw new Error(result.detail);
    expect([...result.extensions.keys()]).toContain('PIPELINING');
    expect(result.extensions.get('SIZE')).toBe('1234');
    expect(result.extensions.has('STARTTLS')).toBe(true);
    expect(heard).toMatchObject({ kind: 'reply', reply: { code: 250 } });
  });

  it.each(['opportunistic', 'required'] as const)('uses STARTTLS when it is %s', async (tls) => {
    const { result, heard } = await opened({}, { tls, tlsOptions: tls === 'required' ? anyCertificate : {} });
    if (result.kind !== 'open') throw new Error(result.detail);
    expect(result.extensions.has('STARTTLS')).toBe(false);
    expect(result.extensions.has('PIPELINING')).toBe(true);
    expect(heard).toMatchObject({ kind: 'reply', reply: { code: 250 } });
  });

  it('speaks TLS from the first byte when it is implicit', async () => {
    const { heard } = await opened({ secure: true }, { tls: 'implicit', tlsOptions: anyCertificate });
    expect(heard).toMatchObject({ kind: 'reply', reply: { code: 250 } });
  });

  it.each([
    ['required', {}],
    ['implicit', { secure: true }],
  ] as const)('does not take a certificate that nobody vouches for when TLS is %s', async (tls, options) => {
    const { result } = await opened(options, { tls });
    expect(result).toMatchObject({ kind: 'failed', reason: 'misconfigured' });
  });

  it('goes no further without TLS when it is required', async () => {
    const { result } = await opened({ disabledCommands: ['STARTTLS'] }, { tls: 'required' });
    expect(result).toMatchObject({ kind: 'failed', reason: 'misconfigured' });
  });

  it('goes on in the clear when the server offers STARTTLS and refuses it, and still knows what it offers', async () => {
    await using sink = await SmtpSink.start({
      extensions: ['STARTTLS', 'PIPELINING', 'SIZE 99'],
      faults: [{ stage: 'starttls', fault: 'reply', reply: '454 4.7.0 TLS is not available' }],
    });
    const result = await openDialogue({ ...target, port: sink.port, tls: 'opportunistic' });
    if (result.kind !== 'open') throw new Error(result.detail);
    expect(result.extensions.get('SIZE')).toBe('99');
    result.dialogue.destroy();
  });

  it('takes a server that knows only HELO', async () => {
    await using sink = await SmtpSink.start({
      faults: [{ stage: 'helo', match: 'EHLO', fault: 'reply', reply: '502 What' }],
    });
    const result = await openDialogue({ ...target, port: sink.port });
    if (result.kind !== 'open') throw new Error(result.detail);
    expect(result.extensions.size).toBe(0);
    result.dialogue.destroy();
  });

  it('logs in', async () => {
    const { result, logins } = await opened(
      {},
      {
        tls: 'required',
        tlsOptions: anyCertificate,
        auth: { user: 'gateway', pass: 'right' },
      },
    );
    expect(result.kind).toBe('open');
    expect(logins).toEqual(['gateway:right']);
  });

  it('says of a failed login no more than its codes', async () => {
    const auth = { user: 'gateway', pass: 'wrong' };
    const { result } = await opened({}, { tls: 'required', tlsOptions: anyCertificate, auth });
    expect(result).toEqual({ kind: 'failed', reason: 'misconfigured', detail: 'EAUTH 535' });
    expect(auth).toEqual({ user: 'gateway', pass: 'wrong' });
  });

  it('keeps to its time', async () => {
    await using sink = await SmtpSink.start({ faults: [{ stage: 'connect', fault: 'hang' }] });
    const result = await openDialogue({ ...target, port: sink.port, connectTimeoutMs: 50 });
    expect(result).toEqual({ kind: 'failed', reason: 'unreachable', detail: 'ETIMEDOUT' });
    await sink.idle();
  });
});
