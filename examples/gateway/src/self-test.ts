import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '@postern/core';
import { SmtpDriver } from '@postern/testing';
import { readConfiguration } from './configuration.ts';
import { type ExampleGateway, startExampleGateway } from './example-gateway.ts';

/** One session, and what it must come to. */
interface Scenario {
  readonly title: string;
  /** The loopback address from which the client comes: each its own, so that no cached answer of another speaks for it. */
  readonly client: string;
  readonly recipient: string;
  /** Who it says it is from. Default `alice@sender.example`. */
  readonly author?: string;
  /** `broken off`: the client goes away in the middle of the message. */
  readonly message: 'complete' | 'broken off' | 'not sent';
  readonly down?: 'backend' | 'dns';
  /** The code of the last reply; `undefined`: the client did not wait for it. */
  readonly reply: number | undefined;
  readonly outcome: Report['outcome'];
  /** What must stand in the report to explain it. */
  readonly finding: string;
}

const scenarios: readonly Scenario[] = [
  {
    title: 'good mail',
    client: '127.0.0.1',
    recipient: 'bob@postern.example',
    message: 'complete',
    reply: 250,
    outcome: 'accepted',
    finding: 'relay-acl/local',
  },
  {
    title: 'foreign relay',
    client: '127.0.0.2',
    recipient: 'victim@elsewhere.example',
    message: 'not sent',
    reply: 550,
    outcome: 'rejected',
    finding: 'relay-acl/denied',
  },
  {
    title: 'relay trick',
    client: '127.0.0.3',
    recipient: 'victim%elsewhere.example@postern.example',
    message: 'not sent',
    reply: 550,
    outcome: 'rejected',
    finding: 'relay-acl/denied',
  },
  {
    title: 'listed client',
    client: '127.0.0.66',
    recipient: 'bob@postern.example',
    message: 'not sent',
    reply: 550,
    outcome: 'rejected',
    finding: 'dnsbl/listed',
  },
  {
    title: 'forged author',
    client: '127.0.0.7',
    recipient: 'bob@postern.example',
    author: 'ceo@bank.example',
    message: 'complete',
    // The owner asks for rejection; it is taken and marked, as what passes a mailing list fails as well (RFC 9989).
    reply: 250,
    outcome: 'quarantined',
    finding: 'spf-dmarc/dmarc-fail',
  },
  {
    title: 'client gone in DATA',
    client: '127.0.0.4',
    recipient: 'bob@postern.example',
    message: 'broken off',
    reply: undefined,
    outcome: 'aborted',
    finding: 'relay-acl/local',
  },
  {
    title: 'backend down',
    client: '127.0.0.5',
    recipient: 'bob@postern.example',
    message: 'not sent',
    down: 'backend',
    reply: 451,
    outcome: 'deferred',
    finding: 'relay-acl/local',
  },
  {
    title: 'DNS down',
    client: '127.0.0.6',
    recipient: 'bob@postern.example',
    message: 'complete',
    down: 'dns',
    // Unknown is not bad: a blocklist that cannot be asked holds up no mail, and the report says that it was not known.
    reply: 250,
    outcome: 'accepted',
    finding: 'dnsbl/unknown',
  },
];

/**
 * Sends eight sessions over real sockets through the example's gateway, and prints what each came to.
 *
 * @returns whether every session ended as it must: the client's reply, the report, and what the backend kept
 */
export async function runSelfTest(print: (line: string) => void): Promise<boolean> {
  const mailDirectory = await mkdtemp(join(tmpdir(), 'postern-self-test-'));
  const configuration = readConfiguration(undefined, {
    POSTERN_LISTEN: '127.0.0.1:0',
    POSTERN_MAIL_DIRECTORY: mailDirectory,
  });
  const awaited: ((report: Report) => void)[] = [];
  const gateway = await startExampleGateway(configuration, (report) => awaited.shift()?.(report));

  print(row('', 'session', 'reply', 'outcome', 'kept', 'because'));
  let allRight = true;
  try {
    for (const scenario of scenarios) {
      const reported = new Promise<Report>((resolve) => awaited.push(resolve));
      const marker = `self-test ${scenario.title} ${Math.random()}`;
      const revive = await takeDown(scenario.down, gateway);
      const reply = await send(scenario, gateway.port, marker);
      const report = await reported;
      await revive();
      const kept = await isKept(mailDirectory, marker);

      const right =
        reply === scenario.reply &&
        report.outcome === scenario.outcome &&
        kept === (scenario.outcome === 'accepted' || scenario.outcome === 'quarantined') &&
        report.opinions.some(({ finding }) => finding.kind === scenario.finding);
      allRight &&= right;
      const because = report.opinions.find(({ finding }) => finding.kind === scenario.finding)?.finding.summary;
      print(
        row(
          right ? '✓' : '✗',
          scenario.title,
          reply === undefined ? 'none' : String(reply),
          report.outcome,
          kept ? 'yes' : 'no',
          because ?? `no finding ${scenario.finding}`,
        ),
      );
    }
  } finally {
    await gateway.close();
    await rm(mailDirectory, { recursive: true, force: true });
  }
  print(allRight ? '\nEvery session ended as it must.' : '\nA session did not end as it must.');
  return allRight;
}

function row(mark: string, title: string, reply: string, outcome: string, kept: string, because: string): string {
  return `${mark.padEnd(1)} ${title.padEnd(20)} ${reply.padEnd(6)} ${outcome.padEnd(9)} ${kept.padEnd(5)} ${because}`;
}

/** Stops a server of the gateway's. The returned function brings it back. */
async function takeDown(what: Scenario['down'], gateway: ExampleGateway): Promise<() => Promise<void>> {
  switch (what) {
    case undefined:
      return async () => {};
    case 'backend':
      await gateway.backend?.pause();
      return async () => gateway.backend?.resume();
    case 'dns':
      gateway.dns?.setFaults([{ fault: 'drop' }]);
      return async () => gateway.dns?.setFaults([]);
  }
}

/** Plays the client's part. The code of the last reply; `undefined` when the client left without waiting for it. */
async function send(scenario: Scenario, port: number, marker: string): Promise<number | undefined> {
  const client = await SmtpDriver.connect({ host: '127.0.0.1', port, localAddress: scenario.client });
  try {
    await client.reply();
    await client.command('EHLO mail.sender.example');
    await client.command('MAIL FROM:<alice@sender.example>');
    const asked = await client.command(`RCPT TO:<${scenario.recipient}>`);
    if (scenario.message === 'not sent') return asked.code;
    await client.command('DATA');
    const { author = 'alice@sender.example' } = scenario;
    const text = `From: ${author}\r\nTo: ${scenario.recipient}\r\nSubject: ${marker}\r\n\r\nHello!\r\n`;
    if (scenario.message === 'broken off') {
      await client.send(text.slice(0, -4));
      return undefined;
    }
    await client.send(text);
    return (await client.command('.')).code;
  } finally {
    client.end();
    await client.closed;
  }
}

async function isKept(mailDirectory: string, marker: string): Promise<boolean> {
  for (const name of await readdir(mailDirectory)) {
    if ((await readFile(join(mailDirectory, name), 'utf8')).includes(marker)) return true;
  }
  return false;
}
