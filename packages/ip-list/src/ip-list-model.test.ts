import { type Cidr, cidrContains, formatCidr, formatIp, type IpAddress, networkOf } from '@postern/core';
import { FakeClock } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { IpList } from './ip-list.ts';
import type { IpListEntry } from './ip-list-entry.ts';
import type { IpListInput } from './list-contents.ts';

// Thousands of steps beside a list that looks at every entry: some seconds, and many more on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

interface ModelEntry {
  readonly cidr: Cidr;
  readonly reason: string;
  readonly expiresAt: number | undefined;
}

/** What an `IpList` must answer, by looking at every entry. */
class Model {
  #entries = new Map<string, ModelEntry>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  add(entry: ModelEntry): void {
    this.#entries.set(formatCidr(entry.cidr), entry);
  }

  delete(prefix: string): boolean {
    const there = this.get(prefix) !== undefined;
    this.#entries.delete(prefix);
    return there;
  }

  get(prefix: string): ModelEntry | undefined {
    const entry = this.#entries.get(prefix);
    return entry?.expiresAt !== undefined && entry.expiresAt <= this.#clock.now() ? undefined : entry;
  }

  clear(): void {
    this.#entries.clear();
  }

  lookup(ip: IpAddress): string | undefined {
    let found: ModelEntry | undefined;
    for (const entry of this.sorted()) {
      if (!cidrContains(entry.cidr, ip)) continue;
      if (found === undefined || entry.cidr.prefixLength > found.cidr.prefixLength) found = entry;
    }
    return found === undefined ? undefined : `${formatCidr(found.cidr)} ${found.reason}`;
  }

  sorted(): ModelEntry[] {
    return [...this.#entries.values()]
      .filter(({ cidr }) => this.get(formatCidr(cidr)) !== undefined)
      .sort(({ cidr: one }, { cidr: other }) => compareCidrs(one, other));
  }
}

function compareCidrs(one: Cidr, other: Cidr): number {
  return (
    one.network.family - other.network.family ||
    one.network.word0 - other.network.word0 ||
    one.network.word1 - other.network.word1 ||
    one.network.word2 - other.network.word2 ||
    one.network.word3 - other.network.word3 ||
    one.prefixLength - other.prefixLength
  );
}

const told = (entry: IpListEntry | undefined): string | undefined => entry && `${entry.prefix} ${entry.reason}`;

/** Few different bits, so that prefixes nest and meet; some anywhere. */
const word = fc.oneof(
  fc.constantFrom(0, 0xffffffff, 0x80000000, 0x0a000000, 0x0a010000, 0x0a010203, 0x20010db8, 0x20010db9),
  fc.nat({ max: 0xffffffff }),
  fc.nat({ max: 63 }).map((low) => (0x0a010200 | low) >>> 0),
);
const address: fc.Arbitrary<IpAddress> = fc.oneof(
  word.map((word3): IpAddress => ({ family: 4, word0: 0, word1: 0, word2: 0xffff, word3 })),
  // Words 1 to 3 all of one kind, or it were IPv4.
  fc.tuple(word, word, word, word).map(
    ([word0, word1, word2, word3]): IpAddress => ({
      family: 6,
      word0: word0 === 0 ? 0x20010db8 : word0,
      word1,
      word2,
      word3,
    }),
  ),
);
const cidr: fc.Arbitrary<Cidr> = fc
  .tuple(address, fc.oneof(fc.constantFrom(0, 1, 8, 24, 31, 32), fc.nat({ max: 128 })))
  .map(([ip, bits]) => {
    const prefixLength = Math.min(bits, ip.family === 4 ? 32 : 128);
    return { network: networkOf(ip, prefixLength), prefixLength };
  });
/** In how many milliseconds an entry ends; often never. */
const lifetime = fc.oneof(fc.constant(undefined), fc.integer({ min: -5, max: 50 }));
const entry = fc.tuple(cidr, fc.constantFrom('a', 'b', 'c'), lifetime);

type Step =
  | { readonly kind: 'add'; readonly entry: [Cidr, string, number | undefined]; readonly asText: boolean }
  | { readonly kind: 'delete' | 'get'; readonly cidr: Cidr }
  | { readonly kind: 'deleteKnown'; readonly index: number }
  | { readonly kind: 'lookup'; readonly ip: IpAddress; readonly asText: boolean }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'replace'; readonly entries: [Cidr, string, number | undefined][]; readonly asList: boolean }
  | { readonly kind: 'clear' | 'iterate' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('add' as const), entry, asText: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'get' as const), cidr }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('deleteKnown' as const), index: fc.nat() }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('lookup' as const), ip: address, asText: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('replace' as const),
      entries: fc.array(entry, { maxLength: 120 }),
      asList: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('clear' as const, 'iterate' as const) }) },
);

describe('IpList, beside a list that looks at every entry', () => {
  it('answers the same after any steps', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const clock = new FakeClock();
        const model = new Model(clock);
        const list = new IpList({ clock });
        const endOf = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : clock.now() + ms);
        for (const each of steps) {
          if (each.kind === 'add') {
            const [prefix, reason, ms] = each.entry;
            const expiresAt = endOf(ms);
            list.add(each.asText ? formatCidr(prefix) : prefix, { reason, expiresAt });
            model.add({ cidr: prefix, reason, expiresAt });
          } else if (each.kind === 'delete') {
            expect(list.delete(each.cidr)).toBe(model.delete(formatCidr(each.cidr)));
          } else if (each.kind === 'deleteKnown') {
            const known = model.sorted();
            const victim = known[each.index % Math.max(1, known.length)];
            if (victim === undefined) continue;
            model.delete(formatCidr(victim.cidr));
            expect(list.delete(formatCidr(victim.cidr))).toBe(true);
          } else if (each.kind === 'get') {
            expect(list.get(each.cidr)?.reason).toBe(model.get(formatCidr(each.cidr))?.reason);
          } else if (each.kind === 'lookup') {
            const ip = each.asText ? formatIp(each.ip) : each.ip;
            expect(told(list.lookup(ip))).toBe(model.lookup(each.ip));
            expect(list.actionOf(ip)).toBe(model.lookup(each.ip) === undefined ? undefined : 'block');
          } else if (each.kind === 'pass') {
            clock.advance(each.ms);
          } else if (each.kind === 'replace') {
            const entries = each.entries.map(([prefix, reason, ms]) => ({
              cidr: prefix,
              reason,
              expiresAt: endOf(ms),
            }));
            const inputs = entries.map(({ cidr: prefix, ...rest }): IpListInput => [prefix, rest]);
            list.replace(each.asList ? IpList.from(inputs, { clock }) : inputs);
            model.clear();
            for (const one of entries) model.add(one);
          } else if (each.kind === 'clear') {
            list.clear();
            model.clear();
          } else {
            expect([...list].map(told)).toEqual(model.sorted().map((one) => `${formatCidr(one.cidr)} ${one.reason}`));
          }
        }
        const left = model.sorted();
        expect(list.size).toBe(left.length);
        expect([...list].map(told)).toEqual(left.map((one) => `${formatCidr(one.cidr)} ${one.reason}`));
        for (const one of left) {
          expect(told(list.lookup(one.cidr.network))).toBe(model.lookup(one.cidr.network));
          expect(told(list.get(one.cidr))).toBe(`${formatCidr(one.cidr)} ${one.reason}`);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is the same list whether made at once or entry by entry, in any order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(cidr, { maxLength: 400, size: 'max', selector: formatCidr }),
        fc.array(address),
        (cidrs, ips) => {
          const atOnce = IpList.from(cidrs.map((each): IpListInput => [each]));
          const oneByOne = new IpList();
          for (const each of cidrs) oneByOne.add(each);
          const sorted = cidrs.toSorted(compareCidrs).map(formatCidr);
          expect([...atOnce].map(({ prefix }) => prefix)).toEqual(sorted);
          expect([...oneByOne].map(({ prefix }) => prefix)).toEqual(sorted);
          for (const ip of [...ips, ...cidrs.map(({ network }) => network)]) {
            expect(oneByOne.lookup(ip)).toEqual(atOnce.lookup(ip));
          }
          for (const each of cidrs.toReversed()) expect(oneByOne.delete(each)).toBe(true);
          expect(oneByOne.size).toBe(0);
          expect([...oneByOne]).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('iterates in order while the list changes, over each entry that stays', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(cidr, { minLength: 1, maxLength: 80, selector: formatCidr }),
        fc.array(step),
        (cidrs, steps) => {
          const list = IpList.from(cidrs.map((each): IpListInput => [each]));
          const staying = new Set(cidrs.map(formatCidr));
          const seen: string[] = [];
          let index = 0;
          for (const { prefix } of list) {
            seen.push(prefix);
            const each = steps[index++];
            if (each?.kind === 'add') list.add(each.entry[0]);
            if (each?.kind === 'delete') {
              list.delete(each.cidr);
              staying.delete(formatCidr(each.cidr));
            }
          }
          expect(new Set(seen).size).toBe(seen.length);
          for (const prefix of staying) expect(seen).toContain(prefix);
        },
      ),
    );
  });
});
