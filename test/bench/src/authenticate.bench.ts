/**
 * One message through SPF, DKIM, DMARC and the fields that say so, beside `mailauth`'s `authenticate` of the same message:
 * CPU time of the whole process, in turns, with a resolver that answers at once from memory.
 */
import { authenticateMessage } from '@postern/spf-dmarc';
import { authenticate } from 'mailauth';
import { keyName, keyRecord, mixedBody, signedMessage } from './dkim-message.ts';
import { instantDns } from './instant-dns.ts';

const ROUNDS = 41;
const SIZES = [2 * 1024, 50 * 1024];

const { resolver, mailauthResolver } = instantDns({
  [keyName]: keyRecord,
  'example.org': 'v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 -all',
  '_dmarc.example.org': 'v=DMARC1; p=reject; rua=mailto:dmarc@example.org',
});

const sender = { ip: '192.0.2.1', helo: 'mail.example.org' };

const contenders = {
  async postern(message: Buffer) {
    const { dmarc } = await authenticateMessage(message, {
      ...sender,
      mailFrom: 'ann@example.org',
      authservId: 'mx.example.com',
      resolver,
    });
    return dmarc.result;
  },
  async mailauth(message: Buffer) {
    const { dmarc } = await authenticate(message, {
      ...sender,
      sender: 'ann@example.org',
      mta: 'mx.example.com',
      resolver: mailauthResolver,
      disableArc: true,
      disableBimi: true,
    });
    return dmarc === false ? undefined : dmarc.status.result;
  },
};

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

for (const size of SIZES) {
  const message = await signedMessage('relaxed', mixedBody(size - 1_600));
  for (const [name, run] of Object.entries(contenders)) {
    if ((await run(message)) !== 'pass') throw new Error(`${name} does not pass the message`);
  }
  const turns = Math.round(4_000_000 / (message.length + 18_000));
  const times: Record<keyof typeof contenders, number[]> = { postern: [], mailauth: [] };
  // The first rounds make machine code.
  for (let round = -5; round < ROUNDS; round++) {
    for (const name of ['postern', 'mailauth'] as const) {
      const before = cpuMicros();
      for (let turn = 0; turn < turns; turn++) await contenders[name](message);
      if (round >= 0) times[name].push((cpuMicros() - before) / turns);
    }
  }
  const ours = median(times.postern);
  const theirs = median(times.mailauth);
  console.log(
    `${message.length} bytes: postern ${ours.toFixed(0)} µs, mailauth ${theirs.toFixed(0)} µs of CPU a message: ${(theirs / ours).toFixed(1)} ×`,
  );
}
