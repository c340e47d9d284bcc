/**
 * SPF, the DNS instant and the same for all contenders:
 *
 * - three includes and 20 ip4 terms, where the last of them matches: `checkSpf` (both identities), `checkSpfMailFrom`
 *   alone, with a warm `CachingResolver` in between as well, beside mailauth (which checks one identity)
 * - a hostile record: 450 terms, ten of them `mx`, each with ten exchangers; the CPU that one check takes
 */
import { CachingResolver, type DnsAnswer, type RecordType, type Resolver } from '@postern/core';
import { checkSpf, checkSpfMailFrom } from '@postern/spf-dmarc';
import { spf } from 'mailauth';
import { do_not_optimize } from 'mitata';

const ROUNDS = 300;
const WARM_UP = 600;

function networks(second: number, count: number): string {
  return Array.from({ length: count }, (_, third) => `ip4:10.${second}.${third}.0/24`).join(' ');
}

const texts: Readonly<Record<string, string>> = {
  'example.com': 'v=spf1 include:a.example.com include:b.example.com include:c.example.com -all',
  'a.example.com': `v=spf1 ${networks(1, 7)} ~all`,
  'b.example.com': `v=spf1 ${networks(2, 7)} ~all`,
  'c.example.com': `v=spf1 ${networks(3, 5)} ip4:192.0.2.0/24 ~all`,
};
const client = { ip: '192.0.2.9', helo: 'mail.example.com', mailFrom: 'ann@example.com' };

const nxdomain = Object.freeze({ kind: 'nxdomain', ttl: 3_600, authentic: false } as const);

/** Answers at once, from answers that were made before. */
function instant(answers: ReadonlyMap<string, DnsAnswer>): Resolver {
  const isOf = <T extends RecordType>(answer: DnsAnswer | undefined, _type: T): answer is DnsAnswer<T> =>
    answer !== undefined;
  return {
    resolve<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const answer = answers.get(`${type} ${name}`);
      return Promise.resolve(isOf(answer, type) ? answer : nxdomain);
    },
  };
}

function records<T extends RecordType>(given: Extract<DnsAnswer<T>, { kind: 'records' }>['records']): DnsAnswer<T> {
  return { kind: 'records', records: given, ttl: 3_600, authentic: false };
}

const resolver = instant(new Map(Object.entries(texts).map(([name, text]) => [`TXT ${name}`, records<'TXT'>([text])])));
const caching = new CachingResolver(resolver);
const theirs = new Map(Object.entries(texts).map(([name, text]) => [name, [[text]]]));
async function instantForMailauth(name: string): Promise<string[][]> {
  const answer = theirs.get(name);
  if (answer === undefined) throw Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' });
  return answer;
}

interface Contender {
  readonly name: string;
  readonly check: () => Promise<unknown>;
  /** Checks a round: about as long for each contender. */
  readonly checks: number;
}

const { helo, ip, mailFrom: sender } = client;
const contenders: readonly Contender[] = [
  { name: 'checkSpf', check: () => checkSpf(client, { resolver }), checks: 200 },
  { name: 'checkSpf, warm CachingResolver', check: () => checkSpf(client, { resolver: caching }), checks: 200 },
  { name: 'checkSpfMailFrom', check: () => checkSpfMailFrom(client, { resolver }), checks: 200 },
  { name: 'mailauth', check: () => spf({ sender, ip, helo, resolver: instantForMailauth }), checks: 10 },
];

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function race(): Promise<void> {
  const took = contenders.map((): number[] => []);
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (const [index, { check, checks }] of contenders.entries()) {
      const start = performance.now();
      for (let each = 0; each < checks; each++) do_not_optimize(await check());
      if (round >= WARM_UP) took[index]?.push(((performance.now() - start) * 1_000) / checks);
    }
  }
  const medians = took.map(median);
  const mailauth = medians.at(-1) ?? Number.NaN;
  for (const [index, { name }] of contenders.entries()) {
    const micros = medians[index] ?? Number.NaN;
    const ratio = took[index]?.map((each, round) => (took.at(-1)?.[round] ?? mailauth) / each) ?? [];
    console.log(
      `${name.padEnd(32)} ${micros.toFixed(2).padStart(8)} µs ${Math.round(1e6 / micros)
        .toString()
        .padStart(8)} /s  ${median(ratio).toFixed(1)} ×`,
    );
  }
  console.log('goals: checkSpf ≥ 20 × mailauth and ≥ 150,000 /s');
}

async function hostile(): Promise<void> {
  const terms = Array.from({ length: 440 }, (_, index) => `ip4:10.${index >> 8}.${index & 255}.1`);
  const answers = new Map<string, DnsAnswer>();
  for (let lookup = 0; lookup < 10; lookup++) {
    terms.splice(lookup * 45, 0, `mx:m${lookup}.example`);
    const hosts = Array.from({ length: 10 }, (_, host) => `h${host}.m${lookup}.example`);
    answers.set(`MX m${lookup}.example`, records<'MX'>(hosts.map((exchange) => ({ preference: 10, exchange }))));
    for (const host of hosts) answers.set(`A ${host}`, records<'A'>(['198.51.100.1', '198.51.100.2']));
  }
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Another record each time, so that it has to be read as well.
    answers.set('TXT example.com', records<'TXT'>([`v=spf1 x=${round} ${terms.join(' ')} -all`]));
    const before = process.cpuUsage();
    const { result, lookups } = await checkSpfMailFrom(client, { resolver: instant(answers) });
    const { user, system } = process.cpuUsage(before);
    if (result !== 'fail' || lookups.length !== 111) throw new Error(`${result} after ${lookups.length} lookups`);
    took.push((user + system) / 1_000);
  }
  const worst = Math.max(...took.slice(1));
  console.log(
    `hostile record: first ${took[0]?.toFixed(2)} ms of CPU, median ${median(took).toFixed(2)} ms, most ${worst.toFixed(2)} ms (< 5)`,
  );
}

await hostile();
await race();
