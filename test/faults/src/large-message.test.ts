import { type ChildProcess, fork } from 'node:child_process';
import { on } from 'node:events';
import { fileURLToPath } from 'node:url';
import { generateDkimKey, signDkim } from '@postern/spf-dmarc';
import { SmtpDriver, type ZoneData } from '@postern/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LargeMessageNews } from './large-message-gateway.ts';

const MEGABYTE = 1024 * 1024;
const LINE = `${'The quick brown fox jumps over the lazy dog.  '.repeat(2).slice(0, 74)}\r\n`;

let gateway: ChildProcess;
let news: AsyncIterator<readonly LargeMessageNews[]>;
let port: number;
let key: Awaited<ReturnType<typeof generateDkimKey>>;

async function nextNews(): Promise<LargeMessageNews> {
  const { value } = await news.next();
  return value[0];
}

beforeAll(async () => {
  key = await generateDkimKey({ domain: 'sender.test', selector: 's' });
  const zone: ZoneData = {
    [key.name]: { TXT: [[...key.strings]] },
    'sender.test': { TXT: 'v=spf1 ip4:127.0.0.0/8 -all', A: '127.0.0.1' },
    'mail.sender.test': { A: '127.0.0.1' },
    '1.0.0.127.in-addr.arpa': { PTR: 'mail.sender.test' },
    '_dmarc.sender.test': { TXT: 'v=DMARC1; p=reject' },
  };
  gateway = fork(fileURLToPath(new URL('large-message-gateway.ts', import.meta.url)), {
    execArgv: ['--conditions=@postern/source', '--expose-gc', '--no-warnings'],
    env: { ...process.env, POSTERN_TEST_ZONE: JSON.stringify(zone) },
  });
  news = on(gateway, 'message', { close: ['exit'] });
  const started = await nextNews();
  port = 'port' in started ? started.port : 0;
}, 120_000);

afterAll(() => {
  gateway.disconnect();
});

/** Signs a message of so many bytes, sends it, and says what the backend got. */
async function send(bytes: number) {
  const forged = 'Authentication-Results: (by) "MX.example.org" 1; dkim=pass header.d=bank.example\r\n';
  const header = 'From: ann@sender.test\r\nTo: bob@example.org\r\nSubject: large\r\n';
  const message = Buffer.alloc(bytes, LINE);
  message.write(`${forged}${header}\r\n`);
  message.write('\r\n', bytes - 2);
  const signed = await signDkim(message, {
    signatures: [{ domain: 'sender.test', selector: 's', key: key.privateKey }],
  });
  if (!signed.ok) throw new Error(signed.detail);
  await using client = await SmtpDriver.connect({ port, timeoutMs: 240_000 });
  await client.reply();
  await client.command('EHLO mail.sender.test');
  await client.command('MAIL FROM:<ann@sender.test>');
  await client.command('RCPT TO:<bob@example.org>');
  await client.command('DATA');
  // As it is: no line begins with a dot.
  await client.send(signed.header);
  await client.send(message);
  const { code } = await client.command('.');
  expect(code).toBe(250);
  const got = await nextNews();
  if ('port' in got) throw new Error('no message was delivered');
  return got;
}

it('takes a signed message of 50 MB with one field that says so above all else, in little memory', async () => {
  await send(MEGABYTE);
  const { head, bytes, growthBytes } = await send(50 * MEGABYTE);

  expect(bytes).toBeGreaterThan(50 * MEGABYTE);
  const [first = '', second = ''] = head.split(/\r\n(?![ \t])/);
  const results = first.replace(/\r\n[ \t]+/g, ' ').split('; ');
  expect(results).toEqual([
    'Authentication-Results: mx.example.org',
    'iprev=pass policy.iprev=127.0.0.1',
    'spf=pass smtp.mailfrom=ann@sender.test',
    'spf=none smtp.helo=mail.sender.test',
    expect.stringMatching(/^dkim=pass header\.d=sender\.test /),
    'dmarc=pass header.from=sender.test policy.dmarc=reject',
  ]);
  expect(second).toMatch(/^Received: /);
  expect(head.match(/^Authentication-Results:/gim)).toHaveLength(1);
  expect(head).not.toContain('bank.example');
  expect(growthBytes).toBeLessThan(16 * MEGABYTE);
}, 300_000);
