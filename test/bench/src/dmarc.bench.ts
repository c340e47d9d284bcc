/**
 * What a DMARC evaluation costs whose DNS answers and records are known: evaluations a second on one core, beside mailauth
 * with the same answers, all interleaved in one process. Then what hostile records cost that are read for the first time.
 */
import { type DmarcInput, evaluateDmarc, parseDmarcRecord } from '@postern/spf-dmarc';
import { dmarc } from 'mailauth/lib/dmarc/index.js';
import { instantDns } from './instant-dns.ts';

const ROUNDS = 21;
const COUNT = 2_000;
/** Rounds before those that count: the compiler is done after some 100,000 evaluations. */
const WARM_UP = 25;

const { resolver, mailauthResolver } = instantDns({
  '_dmarc.example.com': 'v=DMARC1; p=reject; rua=mailto:dmarc@example.com; ruf=mailto:forensic@example.com; fo=1',
  '_dmarc.example.net': 'v=DMARC1; p=quarantine; sp=reject; np=reject; adkim=s; aspf=s',
});

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

interface Sample {
  readonly from: string;
  readonly spf: string;
  readonly dkim: readonly string[];
  readonly result: string;
}

const samples: Readonly<Record<string, Sample>> = {
  'SPF and DKIM of the same domain': { from: 'example.com', spf: 'example.com', dkim: ['example.com'], result: 'pass' },
  'DKIM of the same, SPF of another domain': {
    from: 'example.com',
    spf: 'mailer.example',
    dkim: ['example.com', 'mailer.example'],
    result: 'pass',
  },
  'strict alignment': { from: 'example.net', spf: 'bounces.example.net', dkim: ['example.net'], result: 'pass' },
  'subdomains, by the tree walk': {
    from: 'news.example.com',
    spf: 'bounces.example.com',
    dkim: ['example.com'],
    result: 'pass',
  },
  'nobody aligned': { from: 'example.com', spf: 'elsewhere.example', dkim: [], result: 'fail' },
  'no record': { from: 'mail.example.org', spf: 'mail.example.org', dkim: [], result: 'none' },
};

function contenders({ from, spf, dkim, result }: Sample): Readonly<Record<string, () => Promise<void>>> {
  const input: DmarcInput = {
    headerFrom: `Ann Smith <ann.smith@${from}>`,
    spf: { result: 'pass', domain: spf },
    dkim: dkim.map((domain) => ({ result: 'pass', domain, selector: 's1' })),
  };
  const options = { resolver };
  // mailauth wants the addresses that its own header parser has found.
  const theirs = {
    headerFrom: [`ann.smith@${from}`],
    spfDomains: [spf],
    dkimDomains: dkim.map((domain) => ({ domain })),
    resolver: mailauthResolver,
  };
  return {
    postern: async () => {
      const evaluation = await evaluateDmarc(input, options);
      if (evaluation.result !== result) throw new Error(`postern: ${evaluation.summary}`);
    },
    mailauth: async () => {
      const evaluation = await dmarc(theirs);
      if (evaluation === false || evaluation.status.result !== result) throw new Error('mailauth');
    },
  };
}

for (const [name, sample] of Object.entries(samples)) {
  const works = Object.entries(contenders(sample));
  const found = new Map<string, number[]>(works.map(([who]) => [who, []]));
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [who, work] of works) {
      const start = cpuMicros();
      for (let count = 0; count < COUNT; count++) await work();
      if (round >= 0) found.get(who)?.push((cpuMicros() - start) / COUNT);
    }
  }
  const postern = median(found.get('postern') ?? []);
  const mailauth = median(found.get('mailauth') ?? []);
  const perSecond = Math.round(1e6 / postern).toLocaleString('en');
  console.log(
    `${name}: ${postern.toFixed(2)} µs, ${perSecond}/s; mailauth ${mailauth.toFixed(2)} µs: ${(mailauth / postern).toFixed(1)} ×`,
  );
}

const hostile = {
  '64 KB of tags': `v=DMARC1; p=none; ${'x=1;'.repeat(16_000)}`,
  '64 KB of addresses': `v=DMARC1; p=none; rua=${'mailto:d@example.com,'.repeat(3_000)}`,
  '64 KB of spaces': `v=DMARC1;${' '.repeat(64_000)}p=none`,
  '64 KB of commas': `v=DMARC1; p=none; rua=x${','.repeat(64_000)}`,
};
for (const [name, text] of Object.entries(hostile)) {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = cpuMicros();
    parseDmarcRecord(text);
    return cpuMicros() - start;
  });
  console.log(`a record of ${name}: ${(median(times) / 1_000).toFixed(2)} ms`);
}
