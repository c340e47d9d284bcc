/**
 * DKIM signatures (relaxed/relaxed) beside those of `mailauth` and of nodemailer: CPU time of the whole process, in turns,
 * the key read once where the peer lets that be done. The limit is SHA-256 of the message and one signature with a prepared
 * key, which is what nobody gets around.
 */
import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { type DkimAlgorithm, DkimSignatures, generateDkimKey, signDkim } from '@postern/spf-dmarc';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import NodemailerDkim from 'nodemailer/lib/dkim';

const ROUNDS = 31;
const SIZES = [2 * 1024, 50 * 1024, 1024 * 1024];

const header = [
  'From: Ann Smith <ann@example.org>',
  'To: Bob Jones <bob@example.com>, Carol <carol@example.com>',
  'Subject: a message of usual length',
  'Date: Fri, 1 May 2026 12:00:00 +0000',
  'Message-ID: <0123456789abcdef@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: 7bit',
].join('\r\n');
const line = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor\r\n';

function messageOf(bytes: number): Buffer {
  return Buffer.from(`${header}\r\n\r\n${line.repeat(Math.ceil((bytes - header.length) / line.length))}`);
}

function limitOf(algorithm: DkimAlgorithm, key: KeyObject): (message: Buffer) => unknown {
  const hash = algorithm === 'rsa-sha256' ? 'sha256' : null;
  return (message) => sign(hash, createHash('sha256').update(message).digest(), key);
}

/** The contenders for an algorithm; nodemailer has RSA only. */
async function contendersFor(algorithm: DkimAlgorithm): Promise<Map<string, (message: Buffer) => unknown>> {
  const { privateKey } = await generateDkimKey({ domain: 'example.org', selector: 's', algorithm });
  const signatures = new DkimSignatures([{ domain: 'example.org', selector: 's', key: privateKey }]);
  const peer = { signingDomain: 'example.org', selector: 's', privateKey };
  const contenders = new Map<string, (message: Buffer) => unknown>([
    ['limit', limitOf(algorithm, createPrivateKey(privateKey))],
    ['postern', (message) => signDkim(message, { signatures })],
    ['mailauth', (message) => dkimSign(message, { ...peer, signatureData: [peer] })],
  ]);
  if (algorithm === 'rsa-sha256') {
    const dkim = new NodemailerDkim({ domainName: 'example.org', keySelector: 's', privateKey });
    contenders.set('nodemailer', (message) => buffer(dkim.sign(message)));
  }
  return contenders;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

for (const algorithm of ['rsa-sha256', 'ed25519-sha256'] as const) {
  const contenders = await contendersFor(algorithm);
  for (const size of SIZES) {
    const message = messageOf(size);
    const turns = Math.max(1, Math.round(2_000_000 / (size + 60_000)));
    const times = new Map([...contenders.keys()].map((name) => [name, [] as number[]]));
    for (let round = -4; round < ROUNDS; round++) {
      for (const [name, run] of contenders) {
        const before = process.cpuUsage();
        for (let turn = 0; turn < turns; turn++) await run(message);
        const { user, system } = process.cpuUsage(before);
        // The first rounds make machine code.
        if (round >= 0) times.get(name)?.push((user + system) / turns);
      }
    }
    const limit = median(times.get('limit') ?? []);
    const shown = [...times].map(([name, all]) => {
      const time = median(all);
      return `${name} ${time.toFixed(0)} µs${name === 'limit' ? '' : ` (${(time / limit).toFixed(2)} ×)`}`;
    });
    console.log(`${algorithm}, ${message.length} bytes: ${shown.join(', ')} of CPU a message`);
  }
}
