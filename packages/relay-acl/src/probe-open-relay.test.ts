import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCertificate, type SinkFaultRule, SmtpSink } from '@postern/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ProbeOptions, type ProbeResult, probeOpenRelay } from './probe-open-relay.ts';
import { relayTricks } from './relay-trick.ts';

const names = { ours: 'ours.example', victim: 'victim.example' };
const refuse: SinkFaultRule = { stage: 'rcpt', fault: 'reply', reply: '550 5.7.1 Relaying denied' };
const takeControl: SinkFaultRule = { stage: 'rcpt', match: 'postmaster@ours.example', fault: 'reply', reply: '250 Ok' };

let sink: SmtpSink;

beforeEach(async () => {
  sink = await SmtpSink.start();
});

afterEach(() => sink.close());

function probe(options: Partial<ProbeOptions> = {}): Promise<ProbeResult> {
  return probeOpenRelay({ host: '127.0.0.1', port: sink.port, helo: 'probe.example', ...names, ...options });
}

describe('probeOpenRelay', () => {
  it('finds a server open that takes what it can only relay', async () => {
    const result = await probe();
    expect(result).toMatchObject({ status: 'open', control: { outcome: 'accepted' } });
    expect(result.accepted.map(({ name }) => name)).toContain('plain');
    expect(result.accepted.every(({ proves }) => proves === 'relay')).toBe(true);
    expect(result.doubtful.every(({ proves, outcome }) => proves === 'doubtful' && outcome === 'accepted')).toBe(true);
    expect(result.results.find(({ name }) => name === 'plain')).toEqual({
      name: 'plain',
      why: expect.any(String),
      commands: ['MAIL FROM:<relay-test@victim.example>', 'RCPT TO:<user@victim.example>'],
      proves: 'relay',
      outcome: 'accepted',
      reply: { code: 250, enhanced: '2.1.5', text: 'Ok' },
      detail: undefined,
    });
  });

  it('finds a server closed that refuses every trick and takes the control', async () => {
    sink.setFaults([takeControl, refuse]);
    const result = await probe();
    expect(result).toMatchObject({ status: 'closed', accepted: [], doubtful: [], unknown: [] });
    expect(result.results.length).toBe(relayTricks.filter(({ replies }) => replies !== undefined).length);
    expect(result.results.every(({ outcome }) => outcome === 'refused')).toBe(true);
    expect(JSON.parse(JSON.stringify(result)).status).toBe('closed');
    const telling = result.results.filter(({ proves }) => proves !== 'ours');
    expect(result.summary).toContain(`all of ${telling.length} tricks`);
  });

  it('takes for a refusal how Postfix comes', async () => {
    sink.setFaults([takeControl, { stage: 'rcpt', fault: 'reply', reply: '454 4.7.1 Relay access denied' }]);
    expect(await probe()).toMatchObject({ status: 'closed', unknown: [] });
  });

  it('never sends a message', async () => {
    await probe();
    await sink.idle();
    expect(sink.transactions.length).toBeGreaterThan(100);
    expect(sink.transactions.some(({ dataStarted }) => dataStarted)).toBe(false);
    const verbs = new Set(sink.commands.map((line) => line.split(' ')[0]));
    expect([...verbs].sort()).toEqual(['EHLO', 'MAIL', 'QUIT', 'RCPT', 'RSET']);
  });

  it('finds nothing out about a server that refuses the control too', async () => {
    sink.setFaults([refuse]);
    const result = await probe();
    expect(result).toMatchObject({ status: 'unknown', control: { outcome: 'refused' } });
    expect(result.summary).toContain('postmaster@ours.example');
    expect(await probe({ control: false })).toMatchObject({ status: 'closed', control: undefined });
  });

  it('calls a server doubtful that takes nothing but what is its own to the letter', async () => {
    const match = 'user%victim.example@ours.example';
    sink.setFaults([takeControl, { stage: 'rcpt', match, fault: 'reply', reply: '250 2.1.5 Ok' }, refuse]);
    const result = await probe();
    expect(result).toMatchObject({ status: 'doubtful', accepted: [] });
    expect(result.doubtful.map(({ commands }) => commands[1])).toEqual([`RCPT TO:<${match}>`]);
  });

  it.each<[string, SinkFaultRule]>([
    ['450', { stage: 'rcpt', match: 'user@victim.example', fault: 'reply', reply: '450 4.7.1 Greylisted' }],
    ['MAIL refused', { stage: 'mail', match: 'relay-test@victim.example', fault: 'reply', reply: '550 5.7.1 Not you' }],
    ['rubbish', { stage: 'rcpt', match: 'user@victim.example', fault: 'raw', bytes: 'what?\r\n' }],
    ['a hang-up', { stage: 'rcpt', match: 'user@victim.example', fault: 'close' }],
    ['354', { stage: 'rcpt', match: 'user@victim.example', fault: 'raw', bytes: '354 go on\r\n' }],
  ])('takes %s for neither yes nor no', async (_, fault) => {
    sink.setFaults([fault, takeControl, refuse]);
    const result = await probe();
    expect(result.status).toBe('unknown');
    const plain = result.results.find(({ name }) => name === 'plain');
    expect(plain).toMatchObject({ outcome: 'unknown', detail: expect.any(String) });
    expect(result.unknown).toContainEqual(plain);
  });

  it('asks again, on another connection, when the server hangs up once', async () => {
    sink.setFaults([
      { stage: 'rcpt', match: 'user@victim.example', fault: 'close', times: 1 },
      { stage: 'rset', fault: 'reply', reply: '421 4.7.0 Too many errors', times: 1 },
      takeControl,
      refuse,
    ]);
    expect(await probe()).toMatchObject({ status: 'closed', unknown: [] });
  });

  it('keeps to one connection at a time, with so many tricks on each', async () => {
    sink.setFaults([takeControl, refuse]);
    const { results } = await probe({ tricksPerConnection: 50 });
    await sink.idle();
    const greetings = sink.commands.filter((line) => line.startsWith('EHLO'));
    expect(sink.connections).toBe(greetings.length);
    expect(greetings.length).toBeLessThanOrEqual(Math.ceil((results.length + 1) / 50) + 2);
  });

  it('gives up a server that lets it into no session', async () => {
    sink.setFaults([{ stage: 'connect', fault: 'reply', reply: '554 5.7.1 Not you' }]);
    const result = await probe();
    expect(result).toMatchObject({
      status: 'unknown',
      accepted: [],
      control: { outcome: 'unknown', reply: { code: 554 } },
    });
    expect(result.unknown).toHaveLength(result.results.length);
    expect(sink.connections).toBe(3);
  });

  it('gives up a server that is not there', async () => {
    // Nobody listens there, and nobody is given it while the probe runs.
    const result = await probe({ port: 1 });
    expect(result.status).toBe('unknown');
    expect(result.unknown[0]?.detail).toBe('no session: ECONNREFUSED');
  });

  it('says HELO to a server that knows no EHLO', async () => {
    sink.setFaults([{ stage: 'helo', match: 'EHLO', fault: 'reply', reply: '502 5.5.2 What?' }, takeControl, refuse]);
    expect(await probe()).toMatchObject({ control: { outcome: 'accepted' } });
  });

  it('goes under TLS where it is told to, with any certificate', async () => {
    const certificate = await createCertificate({ names: ['mx.example'] });
    await using secure = await SmtpSink.start({ tls: certificate, faults: [takeControl, refuse] });
    const result = await probe({ port: secure.port, tls: 'starttls' });
    expect(result.status).toBe('closed');
    expect(secure.transactions.every(({ client }) => client.tls)).toBe(true);
    const strict = await probe({ port: secure.port, tls: 'starttls', tlsOptions: { rejectUnauthorized: true } });
    expect(strict.status).toBe('unknown');
    expect(await probe({ tls: 'starttls' })).toMatchObject({ status: 'unknown' });
  }, 60_000);

  it('ends when it is told to, and leaves no connection', async () => {
    const controller = new AbortController();
    sink.setFaults([{ stage: 'rcpt', match: 'user@victim.example', fault: 'hang' }]);
    const pending = probe({ signal: controller.signal });
    while (!sink.commands.some((line) => line.includes('user@victim.example'))) await sleep(1);
    controller.abort();
    const result = await pending;
    expect(result).toMatchObject({ status: 'unknown', control: { outcome: 'accepted' } });
    await sink.idle();
    expect(await probe({ signal: AbortSignal.abort() })).toMatchObject({ status: 'unknown' });
  });

  it('sends no line feed within a command', async () => {
    sink.setFaults([takeControl, refuse]);
    const { results } = await probe();
    expect(results.some(({ commands }) => commands.some((line) => line.includes('\n')))).toBe(false);
  });

  it('sends its own names, and none of the example', async () => {
    sink.setFaults([refuse]);
    const own = {
      ours: 'bücher.example',
      victim: 'other.test',
      mailFrom: '',
      ip: '198.51.100.7',
      control: 'ann@own.test',
    };
    const { results, control } = await probe(own);
    const lines = results.flatMap(({ commands }) => commands).join('\n');
    expect(lines).toContain('user@xn--bcher-kva.example');
    expect(lines).toContain('[198.51.100.7]');
    expect(lines).not.toContain('ours.example');
    expect(control?.commands).toEqual(['MAIL FROM:<>', 'RCPT TO:<ann@own.test>']);
  });

  it.each<[string, object]>([
    ['victim', { victim: 'ours.example' }],
    ['victim', { victim: 'no domain' }],
    ['ours', { ours: '' }],
    ['host', { host: undefined }],
    ['port', { port: 0 }],
    ['helo', { helo: 'a\r\nRSET' }],
    ['mailFrom', { mailFrom: 'a>\r\nDATA' }],
    ['control', { control: true }],
    ['ip', { ip: '::1' }],
    ['signal', { signal: {} }],
    ['pauseMs', { pauseMs: -1 }],
    ['unknown option "hots"', { hots: '127.0.0.1' }],
  ])('refuses a wrong %s', async (name, options) => {
    await expect(probe(options)).rejects.toThrow(name);
  });
});

describe('a server that is no server', () => {
  async function against(behave: (socket: Socket) => void, options: Partial<ProbeOptions> = {}): Promise<ProbeResult> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      behave(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      return await probe({ port, ...options });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    }
  }

  it('is not waited for without end', async () => {
    const { control } = await against(() => {}, { timeoutMs: 20 });
    expect(control?.detail).toBe('no session: no reply within 20 ms');
  });

  it('is not listened to without end', async () => {
    const endless = 'x'.repeat(1_000_000);
    const { control } = await against((socket) => socket.write(endless));
    expect(control?.detail).toBe('no session: what the server says is no SMTP');
    const lines = await against((socket) => socket.write('220-mx.example\r\n'.repeat(100)));
    expect(lines.control?.detail).toBe('no session: what the server says is no SMTP');
  });

  it('is not believed when it replies before it was asked', async () => {
    const { status, accepted } = await against((socket) =>
      socket.write('220 mx\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n'),
    );
    expect([status, accepted]).toEqual(['unknown', []]);
  });
});
