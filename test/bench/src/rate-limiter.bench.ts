/**
 * One decision by one limit, beside the memory limiter of `rate-limiter-flexible` and a bare counter in a `Map`, at 1,
 * 10,000 and 1,000,000 keys; then what 1,000,000 keys take, each in a process of its own, beyond the keys' text.
 *
 * Contenders take turns in one process; what is compared is the time of the CPU, in which their neighbours do not count.
 * `rate-limiter-flexible` answers with a promise, which is awaited; ours is there at once, and is measured both ways.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RateLimiter } from '@postern/rate-limiter';
import { RateLimiterMemory } from 'rate-limiter-flexible';

const CALLS = 300_000;
const ROUNDS = 7;
const MILLION = 1_000_000;
const WINDOW_MS = 3_600_000;

/** As a socket hands it over: one flat string, not a rope of the parts it was made of. */
function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, n) => flat(`10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`));
}

function limiter(per: string, algorithm: 'fixed' | 'gcra', keys: number): RateLimiter {
  // One token in 3.6 s: no state expires before the next call for its key.
  const count = algorithm === 'gcra' ? 1_000 : 1_000_000_000;
  const burst = algorithm === 'gcra' ? { burst: 1_000_000_000 } : {};
  return new RateLimiter({
    maxKeys: Math.max(keys, 1_000),
    limits: [{ name: 'bench', per, count, perMs: WINDOW_MS, algorithm, ...burst }],
  });
}

interface Contender {
  readonly name: string;
  /** Calls for the keys, round and round. */
  readonly run: (keys: readonly string[], calls: number) => void | Promise<void>;
}

function ours(name: string, one: RateLimiter): Contender {
  return {
    name,
    run: (keys, calls) => {
      for (let call = 0; call < calls; call++) one.consume(keys[call % keys.length] ?? '');
    },
  };
}

function contenders(keyCount: number): readonly Contender[] {
  const theirs = new RateLimiterMemory({ points: 1_000_000_000, duration: WINDOW_MS / 1_000 });
  const counts = new Map<string, number>();
  return [
    {
      name: 'rate-limiter-flexible, awaited',
      run: async (keys, calls) => {
        for (let call = 0; call < calls; call++) await theirs.consume(keys[call % keys.length] ?? '');
      },
    },
    ours('RateLimiter', limiter('key', 'fixed', keyCount)),
    {
      name: 'bare Map counter',
      run: (keys, calls) => {
        for (let call = 0; call < calls; call++) {
          const key = keys[call % keys.length] ?? '';
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      },
    },
  ];
}

function variants(keyCount: number): readonly Contender[] {
  const awaited = limiter('key', 'fixed', keyCount);
  return [
    ours('RateLimiter', limiter('key', 'fixed', keyCount)),
    ours('RateLimiter, GCRA', limiter('key', 'gcra', keyCount)),
    ours('RateLimiter, GCRA per client address', limiter('client', 'gcra', keyCount)),
    {
      name: 'RateLimiter, awaited',
      run: async (keys, calls) => {
        for (let call = 0; call < calls; call++) await awaited.consume(keys[call % keys.length] ?? '');
      },
    },
  ];
}

async function nanosecondsOf({ run }: Contender, keys: readonly string[], calls: number): Promise<number> {
  const before = process.cpuUsage();
  await run(keys, calls);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / calls;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1] ?? 0;
}

/** In turns, after a round that does not count; the first is the measure of the others. */
async function compare(all: readonly Contender[], keys: readonly string[]): Promise<void> {
  for (const each of all) await nanosecondsOf(each, keys, Math.max(keys.length, CALLS));
  const times = all.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, each] of all.entries()) times[index]?.push(await nanosecondsOf(each, keys, CALLS));
  }
  const measure = median(times[0] ?? []);
  for (const [index, { name }] of all.entries()) {
    const time = median(times[index] ?? []);
    const rate = Math.round(1_000_000 / time).toLocaleString('en');
    console.log(`${name.padEnd(40)} ${rate.padStart(8)} k/s  ${(measure / time).toFixed(2).padStart(6)} ×`);
  }
}

/** Resident memory that a million keys take, in bytes each, without the keys, which stand in a list before. */
async function memoryOf(name: string): Promise<number> {
  const keys = addresses(MILLION);
  const make: () => (key: string) => unknown = {
    ours: () => {
      const one = limiter('key', 'fixed', MILLION);
      return (key: string) => one.consume(key);
    },
    theirs: () => {
      const one = new RateLimiterMemory({ points: 1_000_000_000, duration: WINDOW_MS / 1_000 });
      return (key: string) => one.consume(key);
    },
    map: () => {
      const one = new Map<string, number>();
      return (key: string) => one.set(key, 1);
    },
  }[name === 'ours' || name === 'theirs' ? name : 'map'];
  const resident = async (): Promise<number> => {
    for (let times = 0; times < 5; times++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return process.memoryUsage.rss();
  };
  // The code and the young heap have their size before it counts.
  const warm = make();
  for (let times = 0; times < 100; times++) for (const key of keys.slice(0, 10_000)) await warm(key);
  const charge = make();
  const before = await resident();
  for (const key of keys) await charge(key);
  const after = await resident();
  // What was measured must still be there.
  await charge(keys[0] ?? '');
  return (after - before) / MILLION;
}

const [child] = process.argv.slice(2);
if (child !== undefined) {
  console.log(await memoryOf(child));
  process.exit(0);
}
const counts = [1, 10_000, MILLION];
for (const keyCount of counts) {
  console.log(`\n${keyCount.toLocaleString('en')} keys`);
  await compare(contenders(keyCount), addresses(keyCount));
}
// Afterwards, so that the code has not been shaped by them when it is compared.
for (const keyCount of counts) {
  console.log(`\n${keyCount.toLocaleString('en')} keys, other ways to ask`);
  await compare(variants(keyCount), addresses(keyCount));
}
console.log('\nresident memory a key, at 1,000,000 keys, beyond the text of the keys');
for (const [name, title] of [
  ['ours', 'RateLimiter'],
  ['theirs', 'rate-limiter-flexible'],
  ['map', 'bare Map counter'],
] as const) {
  // One arena for all threads: those of the engine's compiler take some megabytes each time they get one of their own.
  const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
  const script = fileURLToPath(import.meta.url);
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', script, name], { env });
  console.log(`${title.padEnd(40)} ${Math.round(Number(stdout.toString()))} bytes`);
}
process.exit(0);
