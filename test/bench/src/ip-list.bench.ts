/**
 * Is this address on the list? `IpList` beside `net.BlockList` and the least that anybody writes by hand, a binary search
 * in sorted ranges, which can say yes or no and nothing else; `IpList` says allow or block (`actionOf`), or gives the entry
 * that decides (`lookup`), which makes an object and the text of the prefix for each hit. Memory is the growth
 * of a process that makes the list. 100,000 different addresses a round, so that most find their part of a large list
 * outside of the processor's nearest caches; then 1,000, which do not.
 */
import { formatIp, type IpAddress } from '@postern/core';
import { type Asked, contenders, flat, makeApart, makePrefixes, randomWords } from './ip-list-contender.ts';

const ROUNDS = 9;
const SIZES = [10_000, 100_000, 1_000_000];

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

/** So that the machine code of a lookup that nobody reads is not left out. */
let found = 0;

function rate<T>(values: readonly T[], ask: (value: T) => unknown): number {
  const start = performance.now();
  for (const value of values) if (ask(value)) found++;
  return values.length / (performance.now() - start) / 1_000;
}

const next = randomWords(2);

function stranger(): IpAddress {
  if (next() % 10 > 0) return { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: next() };
  const word0 = 0x24000000 | ((next() % 4_096) << 12) | (next() % 16);
  return { family: 6, word0, word1: next(), word2: next(), word3: next() };
}

for (const size of SIZES) {
  console.log(`\n${size.toLocaleString('en')} prefixes`);
  for (const { name } of contenders) {
    const { rssBytes, makeMs } = await makeApart(name, size);
    // Below that the process grows and shrinks by more than a list takes.
    const each = size < 1_000_000 ? '' : `${(rssBytes / size).toFixed(1)} bytes of RSS a prefix, `;
    console.log(`  ${name.padEnd(14)} ${each}made in ${makeMs.toFixed(0)} ms`);
  }

  const prefixes = makePrefixes(size);
  const lists = contenders.flatMap(({ name, make }): [string, Asked][] => {
    const { entry, ...asked } = make(prefixes);
    return entry === undefined
      ? [[name, asked]]
      : [
          [name, asked],
          [`${name}.lookup`, entry],
        ];
  });
  const first = lists[0]?.[1];
  const known = (): IpAddress => {
    const { network, prefixLength } = prefixes[next() % prefixes.length] ?? { network: stranger(), prefixLength: 0 };
    if (network.family === 6) return { ...network, word3: next() };
    return { ...network, word3: (network.word3 | (prefixLength === 32 ? 0 : next() >>> prefixLength)) >>> 0 };
  };
  for (const count of [100_000, 1_000]) {
    const hits = Array.from({ length: count }, known);
    const misses = Array.from({ length: count * 2 }, stranger)
      .filter((ip) => first?.parsed?.(ip) === undefined)
      .slice(0, count);
    const mixed = hits.map((hit, index) => (index % 2 === 0 ? hit : (misses[index] ?? hit)));
    for (const [what, ips] of [
      ['half of them listed', mixed],
      ['all listed', hits],
      ['none listed', misses],
    ] as const) {
      const texts = ips.map((ip) => flat(formatIp(ip)));
      const textRates = lists.map((): number[] => []);
      const parsedRates = lists.map((): number[] => []);
      // In turns, so that a slow moment of the machine meets all of them.
      for (let round = 0; round < ROUNDS; round++) {
        for (const [index, [, asked]] of lists.entries()) {
          const repeats = count < 10_000 ? 20 : 1;
          for (let repeat = 0; repeat < repeats; repeat++) {
            textRates[index]?.push(rate(texts, asked.text));
            if (asked.parsed !== undefined) parsedRates[index]?.push(rate(ips, asked.parsed));
          }
        }
      }
      console.log(`  ${count.toLocaleString('en')} addresses, ${what}: M lookups/s from text, from a parsed address`);
      const ours = median(textRates[0] ?? []);
      for (const [index, [name]] of lists.entries()) {
        const text = median(textRates[index] ?? []);
        const parsed = median(parsedRates[index] ?? []);
        const ratio = index === 0 ? '' : `IpList × ${(ours / text).toFixed(1)} from text`;
        const columns = [text, parsed].map((value) => (Number.isNaN(value) ? '' : value.toFixed(2)).padStart(7));
        console.log(`    ${name.padEnd(14)} ${columns.join(' ')}  ${ratio}`);
      }
    }
  }
}
if (found === 0) throw new Error('nobody found anything');
