/**
 * One message through SPF, DKIM, DMARC and the fields that say so, beside `mailauth`'s `authenticate` of the same message:
 * CPU time of the whole process, in turns, with a resolver that answers at once from memory.
 */
import type { Resolver } from '@postern/core';
import { authenticateMessage, generateDkimKey, signDkim } from '@postern/spf-dmarc';
import { authenticate } from 'mailauth';

const ROUNDS = 41;
const SIZES = [2 * 1024, 50 * 1024];

const key = await generateDkimKey({ domain: 'example.org', selector: 's' });
const records: ReadonlyMap<string, string> = new Map([
  [key.name, key.record],
  ['example.org', 'v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 -all'],
  ['_dmarc.example.org', 'v=DMARC1; p=reject; rua=mailto:dmarc@example.org'],
]);

const absent = { kind: 'nxdomain', ttl: 60, authentic: false } as const;
/** As JSON, which has the type of whatever record is asked for. */
const answers = new Map(
  Object.entries(
    JSON.parse(
      JSON.stringify(
        Object.fromEntries([...records].map(([name, text]) => [name, { ...absent, kind: 'records', records: [text] }])),
      ),
    ),
  ),
);

/** Answers at once: what is asked for here has a TXT record or nothing. */
const resolver: Resolver = {
  async resolve(name, type) {
    return (type === 'TXT' ? answers.get(name) : undefined) ?? absent;
  },
};

async function peerResolver(name: string, type: string): Promise<string[][]> {
  const text = type === 'TXT' ? records.get(name.toLowerCase()) : undefined;
  if (text === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  return [[text]];
}

async function messageOf(bytes: number): Promise<Buffer> {
  const header =
    'From: ann@example.org\r\nTo: bob@example.com\r\nSubject: a message\r\nDate: Fri, 1 May 2026 12:00:00 +0000\r\n';
  const line = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor\r\n';
  const message = Buffer.from(`${header}\r\n${line.repeat(Math.ceil((bytes - header.length) / line.length))}`);
  const signed = await signDkim(message, {
    signatures: [{ domain: 'example.org', selector: 's', key: key.privateKey }],
  });
  if (!signed.ok) throw new Error(signed.detail);
  return Buffer.concat([Buffer.from(signed.header), message]);
}

const sender = { ip: '192.0.2.1', helo: 'mail.example.org' };

const contenders: Readonly<Record<string, (message: Buffer) => Promise<unknown>>> = {
  postern: (message) =>
    authenticateMessage(message, {
      ...sender,
      mailFrom: 'ann@example.org',
      authservId: 'mx.example.com',
      resolver,
    }),
  mailauth: (message) =>
    authenticate(message, {
      ...sender,
      sender: 'ann@example.org',
      mta: 'mx.example.com',
      resolver: peerResolver,
      disableArc: true,
      disableBimi: true,
    }),
};

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

for (const size of SIZES) {
  const message = await messageOf(size);
  const turns = Math.round(2_000_000 / (size + 18_000));
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
  for (let round = -4; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const before = process.cpuUsage();
      for (let turn = 0; turn < turns; turn++) await run(message);
      const { user, system } = process.cpuUsage(before);
      // The first rounds make machine code.
      if (round >= 0) times.get(name)?.push((user + system) / turns);
    }
  }
  const ours = median(times.get('postern') ?? []);
  const theirs = median(times.get('mailauth') ?? []);
  console.log(
    `${message.length} bytes: postern ${ours.toFixed(0)} µs, mailauth ${theirs.toFixed(0)} µs of CPU a message: ${(theirs / ours).toFixed(1)} ×`,
  );
}
