/**
 * Lookups that the cache answers, 1,000 names a round, through the public call. `node:dns` has no cache to compare with; the
 * peer is the least that any cache must do: a `Map` behind an async function, without bounds, expiry, or a copy for anybody.
 * Then the memory of 100,000 answers.
 */
import { CachingResolver, type DnsAnswer, type RecordType, type Resolver } from '@postern/core';
import { bench, do_not_optimize, run, summary } from 'mitata';

const NAMES = 1_000;
const ANSWERS = 100_000;

/** As a message hands it over: one flat string, not a rope of the parts it was made of. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Answers at once, each name with strings of its own. */
const upstream: Resolver = { resolve: async (name, type) => answerOf(name, type) };

function answerOf<T extends RecordType>(name: string, type: T): DnsAnswer<T> {
  const number = Number(/\d+/.exec(name)?.[0] ?? 0);
  const records: { readonly [K in RecordType]?: readonly unknown[] } = {
    A: [`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`],
    MX: [
      { preference: 10, exchange: `mx1.mail${number}.example` },
      { preference: 20, exchange: `mx2.mail${number}.example` },
    ],
    TXT: [`v=spf1 include:_spf.mail${number}.example ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all`],
  };
  const found = records[type];
  if (found === undefined) return { kind: 'nxdomain', ttl: 3_600, authentic: false };
  return JSON.parse(JSON.stringify({ kind: 'records', records: found, ttl: 3_600, authentic: false }));
}

const names = Array.from({ length: NAMES }, (_, n) => flat(`host${n}.example${n % 17}.com`));
const written = names.map((name) => `${name.toUpperCase()}.`);

const map = new Map<string, DnsAnswer<'A'>>();
async function fromMap(name: string): Promise<DnsAnswer<'A'> | undefined> {
  return map.get(name);
}

const resolver = new CachingResolver(upstream);
/** A second passes at each reading, so that no answer's TTL is ever the same. */
const clock = { time: 0, now: () => (clock.time += 1_000) };
const counting = new CachingResolver(upstream, { clock, maxTtlMs: 7 * 86_400_000, minTtlMs: 7 * 86_400_000 });
for (const name of names) {
  map.set(name, await resolver.resolve(name, 'A'));
  await counting.resolve(name, 'A');
}
const options = { staleMs: 0, signal: new AbortController().signal };

function round(name: string, lookUp: (index: number) => Promise<unknown>): void {
  bench(`${name} ×1,000`, async () => {
    for (let index = 0; index < NAMES; index++) do_not_optimize(await lookUp(index));
  });
}

summary(() => {
  round('a Map and an async function', (index) => fromMap(names[index] ?? ''));
  round('hit', (index) => resolver.resolve(names[index] ?? '', 'A'));
  round('hit, with signal and staleMs', (index) => resolver.resolve(names[index] ?? '', 'A', options));
  round('hit, each with another TTL', (index) => {
    if (clock.time > 80_000_000) clock.time = 2_000_000;
    return counting.resolve(names[index] ?? '', 'A');
  });
  round('hit, in capitals with a trailing dot', (index) => resolver.resolve(written[index] ?? '', 'A'));
});

bench('miss ×1,000, the upstream answers at once', async () => {
  const empty = new CachingResolver(upstream);
  for (const name of names) do_not_optimize(await empty.resolve(name, 'A'));
});

bench('1,000 at once, merged into one', async () => {
  const empty = new CachingResolver(upstream);
  do_not_optimize(await Promise.all(names.map(() => empty.resolve('example.com', 'A'))));
});

const { benchmarks } = await run();
console.log('\nmedian of lookups/s');
for (const { runs } of benchmarks) {
  for (const { name, stats } of runs) {
    if (stats === undefined) continue;
    console.log(`${name.padEnd(45)} ${Math.round((1_000 * 1e9) / stats.p50).toLocaleString('en')}`);
  }
}

function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function measure(what: string, type: RecordType): Promise<void> {
  const before = heapBytes();
  const full = new CachingResolver(upstream, { maxEntries: ANSWERS });
  for (let n = 0; n < ANSWERS; n++) await full.resolve(flat(`host${n}.zone${n % 10}.example.com`), type);
  const megabytes = ((heapBytes() - before) / 1e6).toFixed(1);
  const { bytes, entries } = full.stats();
  console.log(`${what.padEnd(20)} ${megabytes} MB  ${(bytes / 1e6).toFixed(1)} MB  (${entries} entries)`);
}

console.log(`\nmemory of ${ANSWERS.toLocaleString('en')} answers: measured, and as stats() estimates it`);
await measure('one A record', 'A');
await measure('two MX records', 'MX');
await measure('an SPF record', 'TXT');
await measure('nxdomain', 'AAAA');
