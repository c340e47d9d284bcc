/**
 * Who keeps a million prefixes, and in how much memory: each contender is made in a process of its own, because memory
 * that another one has given back would be used again and not counted.
 */
import { fork } from 'node:child_process';
import { BlockList } from 'node:net';
import { argv, env } from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Cidr, formatIp, type IpAddress, parseIp } from '@postern/core';
import { IpList, type ListEntryInput } from '@postern/ip-list';

/** One contender: made from prefixes, then asked whether it knows an address. */
export interface Contender {
  readonly name: string;
  readonly make: (prefixes: readonly Cidr[]) => Asked;
}

export interface Asked {
  readonly text: (ip: string) => unknown;
  /** By an address that was read before; not for those that read it anew each time. */
  readonly parsed?: (ip: IpAddress) => unknown;
  /** The same questions, answered with the entry that decides. */
  readonly entry?: Asked;
}

/** What a process reports of the contender that it made. */
export interface Making {
  readonly rssBytes: number;
  readonly makeMs: number;
}

/** mulberry32: the same prefixes in each process. */
export function randomWords(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/**
 * Different prefixes as blocklists have them: nine of ten IPv4, most of these single addresses, some /24 and some between;
 * the others IPv6 from /32 to /64 in 4,096 allocations.
 */
export function makePrefixes(count: number): Cidr[] {
  const next = randomWords(1);
  const seen = new Set<number>();
  const prefixes: Cidr[] = [];
  while (prefixes.length < count) {
    const kind = next() % 100;
    if (kind < 10) {
      const bits = [32, 36, 40, 44, 48, 56, 64][next() % 7] ?? 64;
      const word0 = 0x24000000 | ((next() % 4_096) << 12) | (next() % 16);
      const word1 = bits === 32 ? 0 : (next() & (-1 << (64 - bits))) >>> 0;
      prefixes.push({ network: { family: 6, word0, word1, word2: 0, word3: 0 }, prefixLength: bits });
    } else {
      const prefixLength = kind < 60 ? 32 : kind < 85 ? 24 : 25 + (next() % 7);
      const word3 = ((((1 + (next() % 222)) << 24) | (next() & 0xffffff)) & (-1 << (32 - prefixLength))) >>> 0;
      const key = word3 * 64 + prefixLength;
      if (seen.has(key)) continue;
      seen.add(key);
      prefixes.push({ network: { family: 4, word0: 0, word1: 0, word2: 0xffff, word3 }, prefixLength });
    }
  }
  return prefixes;
}

/** As a socket hands it over: one flat string, not a rope of the parts it was made of. */
export function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** One interned entry each for a thousand feeds, as a million lines of a few files have. */
const entries: readonly ListEntryInput[] = Array.from({ length: 1_000 }, (_, n) => ({ source: `feed ${n >> 2}.txt` }));

function* inputs(prefixes: readonly Cidr[]): Generator<readonly [Cidr, ListEntryInput | undefined]> {
  // A file after the other.
  const perEntry = Math.ceil(prefixes.length / entries.length);
  for (const [index, prefix] of prefixes.entries()) yield [prefix, entries[Math.floor(index / perEntry)]];
}

function makeBlockList(prefixes: readonly Cidr[]): BlockList {
  const list = new BlockList();
  for (const { network, prefixLength } of prefixes) {
    list.addSubnet(formatIp(network), prefixLength, network.family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** The least that anybody writes by hand: where ranges begin and end, sorted, overlapping ones joined. */
class SortedRanges {
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #starts6: BigUint64Array;
  readonly #ends6: BigUint64Array;

  constructor(prefixes: readonly Cidr[]) {
    const ipv4 = prefixes.filter(({ network }) => network.family === 4);
    const ranges = ipv4.map(({ network: { word3 }, prefixLength }) => [word3, word3 + 2 ** (32 - prefixLength) - 1]);
    const joined = join(ranges.map(([start = 0, end = 0]): [number, number] => [start, end]));
    this.#starts = Uint32Array.from(joined, ([start]) => start);
    this.#ends = Uint32Array.from(joined, ([, end]) => end);
    const ipv6 = prefixes.filter(({ network }) => network.family === 6);
    // The first 64 bits are all that these prefixes have.
    const high = ipv6.map(({ network: { word0, word1 }, prefixLength }): [bigint, bigint] => {
      const start = (BigInt(word0) << 32n) | BigInt(word1);
      return [start, start + (1n << BigInt(64 - prefixLength)) - 1n];
    });
    const joined6 = join(high);
    this.#starts6 = BigUint64Array.from(joined6, ([start]) => start);
    this.#ends6 = BigUint64Array.from(joined6, ([, end]) => end);
  }

  has(ip: IpAddress): boolean {
    if (ip.family === 4) return within(this.#starts, this.#ends, ip.word3);
    return within(this.#starts6, this.#ends6, (BigInt(ip.word0) << 32n) | BigInt(ip.word1));
  }
}

function join<T extends number | bigint>(ranges: [T, T][]): [T, T][] {
  const joined: [T, T][] = [];
  for (const range of ranges.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))) {
    const last = joined.at(-1);
    if (last === undefined || range[0] > last[1]) joined.push(range);
    else if (range[1] > last[1]) last[1] = range[1];
  }
  return joined;
}

function within<T extends number | bigint>(starts: ArrayLike<T>, ends: ArrayLike<T>, value: T): boolean {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = starts[middle];
    if (start !== undefined && start <= value) low = middle + 1;
    else high = middle;
  }
  const end = ends[low - 1];
  return end !== undefined && value <= end;
}

export const contenders: readonly Contender[] = [
  {
    name: 'IpList',
    make(prefixes) {
      const list = IpList.from(inputs(prefixes));
      return {
        text: (ip) => list.actionOf(ip),
        parsed: (ip) => list.actionOf(ip),
        entry: { text: (ip) => list.lookup(ip), parsed: (ip) => list.lookup(ip) },
      };
    },
  },
  {
    name: 'sorted ranges',
    make(prefixes) {
      const ranges = new SortedRanges(prefixes);
      return {
        text: (text) => {
          const ip = parseIp(text);
          return ip !== undefined && ranges.has(ip);
        },
        parsed: (ip) => ranges.has(ip),
      };
    },
  },
  {
    name: 'net.BlockList',
    make(prefixes) {
      const list = makeBlockList(prefixes);
      return { text: (ip) => list.check(ip, ip.includes(':') ? 'ipv6' : 'ipv4') };
    },
  },
];

const self = fileURLToPath(import.meta.url);

/** Buffers are given back behind the collector's back, a little later. */
async function settle(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    await setTimeout(50);
  }
  return process.memoryUsage().rss;
}

/** Makes a contender in a process of its own: how much the process grew by it, and how long it took. */
export function makeApart(name: string, count: number): Promise<Making> {
  return new Promise((resolve, reject) => {
    const child = fork(self, [name, String(count)], {
      execArgv: ['--expose-gc', '--max-semi-space-size=1'],
      // glibc gives large arrays back at once until it has seen some go, as when Node reads TypeScript; from then on it
      // keeps up to 64 MB for the next ones. Here all are given back, so that what is counted is what is kept.
      env: { ...env, MALLOC_MMAP_THRESHOLD_: '131072' },
    });
    child.once('message', (message: Making) => resolve(message));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${name}: exit code ${code}`)));
  });
}

if (argv[1] === self) {
  const contender = contenders.find(({ name }) => name === argv[2]);
  const prefixes = makePrefixes(Number(argv[3]));
  // What grows the heap once, whatever comes, stands before the measure.
  contender?.make(prefixes.slice(0, 10_000));
  let count = 0;
  for (const each of inputs(prefixes)) if (each[1] !== undefined) count++;
  if (count === 0) throw new Error('no prefixes');
  const before = await settle();
  const start = performance.now();
  const asked = contender?.make(prefixes);
  const makeMs = performance.now() - start;
  const rssBytes = (await settle()) - before;
  // Used once more, so that nothing of it is thrown away before the measure.
  asked?.text('192.0.2.1');
  process.send?.({ rssBytes, makeMs } satisfies Making, () => process.disconnect());
}
