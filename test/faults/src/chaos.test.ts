import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check, Report } from '@postern/core';
import { type SmtpBackend, smtpBackend } from '@postern/gateway';
import { relayAcl } from '@postern/relay-acl';
import { type SinkFaultRule, type SinkTransaction, SmtpDriver, SmtpSink } from '@postern/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  bytesOf,
  type ChaosAccount,
  type ChaosMessage,
  type ChaosScript,
  type ChaosStep,
  playScript,
} from './chaos-client.ts';
import { GatewayServer } from './gateway-server.ts';

const MAX_MESSAGE_BYTES = 30_000;
const SPOOL_BYTES = 3 * MAX_MESSAGE_BYTES;

/** A check whose mood is in the recipient's name. */
const moody: Check = {
  name: 'moody',
  start: () => {
    const finding = { kind: 'test/mood', summary: 'A mood.' } as const;
    return {
      recipient: async (_transaction, { localPart }) => {
        if (localPart === 'throws') throw new Error('boom');
        if (localPart === 'hangs') return new Promise(() => {});
        if (localPart === 'quarantined') return { finding, verdict: 'quarantine' };
        return localPart === 'deferred' ? { finding, verdict: 'defer' } : undefined;
      },
    };
  },
};

let sink: SmtpSink;
let backend: SmtpBackend;
let gateway: GatewayServer;
let spoolDirectory: string;
const warnings: Error[] = [];
const keepWarning = (warning: Error): void => void warnings.push(warning);

beforeAll(async () => {
  process.on('warning', keepWarning);
  spoolDirectory = mkdtempSync(join(tmpdir(), 'postern-chaos-'));
  sink = await SmtpSink.start();
  backend = smtpBackend({
    host: '127.0.0.1',
    port: sink.port,
    maxConnections: 3,
    connectTimeoutMs: 400,
    commandTimeoutMs: 100,
    dataTimeoutMs: 100,
    finalTimeoutMs: 100,
  });
  gateway = await GatewayServer.start({
    checks: [relayAcl({ localDomains: ['example.org'] }), moody],
    deliver: backend,
    stageTimeoutMs: 100,
    spoolMemoryBytes: 1_000,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    spoolTotalBytes: SPOOL_BYTES,
    spoolDirectory,
  });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await backend.close();
  await sink.close();
  rmSync(spoolDirectory, { recursive: true, force: true });
  process.off('warning', keepWarning);
});

const recipient = fc.constantFrom(
  ...['one', 'two', 'three', 'four', 'full', 'throws', 'hangs', 'quarantined', 'deferred'].map(
    (name) => `${name}@example.org`,
  ),
  'Postmaster',
  'victim@elsewhere.example',
  'victim%elsewhere.example@example.org',
  '@elsewhere.example:one@example.org',
  '"a b"@example.org',
);
const rcpt = recipient.map((address) => `RCPT TO:<${address}>`);
const mail = fc.constantFrom('', 'ann@client.example').map((address) => `MAIL FROM:<${address}>`);
const line = fc.oneof(
  { arbitrary: mail, weight: 3 },
  { arbitrary: rcpt, weight: 5 },
  {
    arbitrary: fc.constantFrom(
      ...['EHLO client.example', 'HELO client.example', 'RSET', 'NOOP', 'VRFY root', 'HELP', 'STARTTLS', 'AUTH PLAIN'],
      ...['MAIL FROM:<a@client.example> SIZE=99999999', 'MAIL FROM:<a@b> BODY=8BITMIME', 'MAIL FROM:nobody', 'MAIL'],
      ...['RCPT TO:<>', 'RCPT TO:one@example.org', 'nonsense', '', '.'],
    ),
    weight: 4,
  },
);

let marks = 0;
const message: fc.Arbitrary<ChaosMessage> = fc
  .record({
    header: fc.constantFrom('', 'X-Long: long\r\n and folded\r\n', 'no field at all\r\n', '.\r\n'),
    lines: fc.array(fc.constantFrom('', '.', '..', '.a', 'MAIL FROM:<>', 'text', '\xff\x00'), { maxLength: 30 }),
    newline: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n'),
    filling: fc.constantFrom(0, 0, 0, 3_000, MAX_MESSAGE_BYTES),
  })
  .map((text) => ({ mark: `chaos-${marks++}`, ...text }));

/** A mail as it should be, in one go. */
const proper: fc.Arbitrary<ChaosStep> = fc
  .tuple(mail, fc.array(rcpt, { minLength: 1, maxLength: 3 }), message)
  .map(([from, to, text]) => ({ lines: [from, ...to], message: text }));
const disorderly: fc.Arbitrary<ChaosStep> = fc
  .tuple(fc.array(line, { maxLength: 5 }), fc.option(message, { nil: undefined }))
  .map(([lines, text]) => (text === undefined ? { lines } : { lines, message: text }));

const script: fc.Arbitrary<ChaosScript> = fc
  .record({
    hello: fc.oneof(
      { arbitrary: fc.constant<readonly ChaosStep[]>([{ lines: ['EHLO client.example'] }]), weight: 8 },
      { arbitrary: fc.constantFrom<readonly ChaosStep[]>([{ lines: ['HELO c'] }], []), weight: 2 },
    ),
    steps: fc.array(fc.oneof({ arbitrary: proper, weight: 2 }, { arbitrary: disorderly, weight: 1 }), {
      minLength: 1,
      maxLength: 4,
    }),
    cut: fc.option(
      fc.record({
        step: fc.nat({ max: 4 }),
        part: fc.constantFrom('lines' as const, 'message' as const),
        share: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
        how: fc.constantFrom('FIN' as const, 'RST' as const),
      }),
      { nil: undefined, freq: 1 },
    ),
    chunkBytes: fc.constantFrom(7, 100, 1_000_000),
  })
  .map(({ hello, steps, cut, chunkBytes }) => ({
    steps: [...hello, ...steps],
    ...(cut !== undefined && { cut }),
    chunkBytes,
  }));

const reply = fc.constantFrom(
  '250 2.0.0 Ok',
  '421 4.3.2 Going down',
  '450 4.2.1 Later',
  '550 5.1.1 Never',
  '354 Go on',
  '250 a\nb',
);
const raw = fc.constantFrom(
  '250-first\r\n',
  '250 one\r\n250 two\r\n',
  '2500 many\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  '354 go\r\n250 done\r\n',
  '\0',
);
const beforeBody = fc.constantFrom('connect', 'helo', 'mail', 'rcpt', 'data', 'dot', 'rset', 'noop', 'quit');
const fault: fc.Arbitrary<SinkFaultRule> = fc.oneof(
  fc.record({ stage: beforeBody, fault: fc.constant('reply'), reply, times: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ stage: beforeBody, fault: fc.constant('raw'), bytes: raw, times: fc.integer({ min: 1, max: 2 }) }),
  fc.record({
    stage: fc.oneof(beforeBody, fc.constant('body')),
    fault: fc.constantFrom('close', 'reset', 'hang'),
    times: fc.integer({ min: 1, max: 2 }),
  }),
  fc.record({
    stage: beforeBody,
    fault: fc.constant('delay'),
    delayMs: fc.constantFrom(10, 150),
    times: fc.constant(2),
  }),
);

/** The address as the gateway sees it: without the route that leads to it. */
function withoutRoute(address: string): string {
  return address.startsWith('@') ? address.slice(address.indexOf(':') + 1) : address;
}

function carries({ message: bytes }: SinkTransaction, mark: string): boolean {
  return bytes.includes(`Message-ID: <${mark}@client.example>\r\n`);
}

/** What is wrong about a run, one sentence each. */
function faultsOf(accounts: readonly ChaosAccount[], reports: readonly Report[]): readonly string[] {
  const wrong: string[] = [];
  const complain = (what: string): void => void wrong.push(what);
  const completed = sink.transactions.filter(({ finalDot }) => finalDot);

  for (const { sent } of accounts) {
    for (const { message: text, recipients, reply: last } of sent) {
      const { mark } = text;
      const bytes = bytesOf(text);
      // Behind a header that ends without an empty line the gateway puts one.
      const rest = bytes.subarray(bytes.indexOf('\n') + 1);
      const own = completed.filter((each) => carries(each, mark));
      const kept = own.filter(({ accepted }) => accepted);
      const told = reports.filter((report) => report.message?.messageId === `<${mark}@client.example>`);
      const outcome = told[0]?.outcome;
      const isAccepted = outcome === 'accepted' || outcome === 'quarantined';
      if (told.length > 1) complain(`${mark} is reported ${told.length} times`);
      if (own.length > 1) complain(`${mark} was sent to the backend ${own.length} times`);
      if (outcome !== 'unknown' && kept.length !== (isAccepted ? 1 : 0)) {
        complain(`${mark} is ${outcome}, and the backend has it ${kept.length} times`);
      }
      if (last !== undefined && (last.code === 250) !== isAccepted)
        complain(`${mark} is ${outcome} with a ${last.code}`);
      if (!isAccepted) continue;
      const to = kept[0]?.recipients.filter(({ accepted }) => accepted).map(({ address }) => address);
      if (`${to}` !== `${[...new Set(recipients.map(withoutRoute))]}`)
        complain(`${mark} went to ${to}, not to ${recipients}`);
      if (kept[0]?.message.subarray(-rest.length).equals(rest) !== true) complain(`${mark} was changed`);
    }
  }
  const dotted = accounts.flatMap(({ sent }) => sent.map(({ message: { mark } }) => mark));
  for (const each of completed) {
    if (!dotted.some((mark) => carries(each, mark))) complain('the backend got a final dot that no client had sent');
  }

  for (const { address, transactions, maybeMore } of accounts) {
    const own = reports.filter(({ session }) => session.client.address === address);
    const ended = own.filter(({ kind }) => kind === 'transaction').length;
    if (ended < transactions || ended > transactions + maybeMore)
      complain(`${address}: ${ended} of ${transactions} + ${maybeMore}`);
    if (own.length - ended !== (ended === 0 ? 1 : 0))
      complain(`${address}: ${own.length} reports, ${ended} of transactions`);
  }
  if (new Set(reports.map(({ id }) => id)).size !== reports.length) complain('an id stands in two reports');
  return wrong;
}

let addresses = 0;
/** All of 127.0.0.0/8 is this machine. */
function nextAddress(): string {
  addresses += 1;
  return `127.77.${addresses >> 8}.${addresses & 255}`;
}

let reported = 0;

it('whatever clients and backend do, mail is taken over exactly when the backend has it', async () => {
  const run = fc.record({
    scripts: fc.array(script, { minLength: 4, maxLength: 12 }),
    faults: fc.array(fault, { maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(run, async ({ scripts, faults }) => {
      gateway.reports.length = 0;
      sink.clear();
      sink.setFaults(faults);
      const accounts = await Promise.all(scripts.map((each) => playScript(gateway.port, nextAddress(), each)));
      await expect.poll(() => faultsOf(accounts, gateway.reports), { timeout: 5_000 }).toEqual([]);
      expect(sink.commands.filter((command) => command.includes('elsewhere'))).toEqual([]);
      reported += gateway.reports.length;
    }),
    { numRuns: 20, endOnFailure: true },
  );
}, 60_000);

it('and nothing is left of it', async () => {
  sink.setFaults([]);
  // A connection that is being opened to a backend which hung may yet have to fail.
  const settled = async (): Promise<boolean> => {
    await using client = await withRecipient();
    return (await client.command('RCPT TO:<two@example.org>')).code === 250;
  };
  await expect.poll(settled, { timeout: 5_000 }).toBe(true);
  gateway.reports.length = 0;
  sink.clear();
  // Together they fill the spool to the last bytes: what a message before them had not given back would be missing.
  const text = `Subject: full\r\n\r\n${'x'.repeat(MAX_MESSAGE_BYTES - 100)}\r\n`;
  const clients = await Promise.all([1, 2, 3].map(withRecipient));
  for (const client of clients) {
    expect(await client.command('DATA')).toMatchObject({ code: 354 });
    await client.send(text);
  }
  for (const client of clients) {
    await client.send('.\r\n');
    expect(await client.reply()).toMatchObject({ code: 250 });
    await client.command('QUIT');
    await client.closed;
  }
  expect(sink.messages).toHaveLength(3);
  expect(reported).toBeGreaterThan(addresses);

  await gateway[Symbol.asyncDispose]();
  await backend.close();
  await sink.idle();
  expect(gateway.reports.filter(({ outcome }) => outcome !== 'aborted')).toHaveLength(3);
  expect(warnings).toEqual([]);
  expect(process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap')).toEqual([]);
  expect(readdirSync(spoolDirectory)).toEqual([]);
  if (process.platform === 'linux') expect(openFiles().filter((path) => path.startsWith(spoolDirectory))).toEqual([]);
});

async function withRecipient(): Promise<SmtpDriver> {
  const client = await SmtpDriver.connect({ port: gateway.port });
  await client.reply();
  await client.command('EHLO client.example');
  await client.command('MAIL FROM:<ann@client.example>');
  await client.command('RCPT TO:<one@example.org>');
  return client;
}

function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The one by which the directory was read.
      return [];
    }
  });
}
