import { parseCidr } from '@postern/core';
import {
  type AddressRange,
  type AddressRanges,
  everyAddress,
  mergeRanges,
  rangeOf,
  splitRanges,
} from './address-ranges.ts';
import type { SpfGap, SpfNetworkResult } from './spf-networks.ts';
import type { SpfTreeRecord, SpfTreeTerm } from './spf-tree.ts';

/** RFC 7208 §4.6.4. */
export const MOST_LOOKUPS = 10;
export const MOST_VOID_LOOKUPS = 2;

/** Bounds the time: a few hundred milliseconds. Records that people publish need some thousands. */
const MOST_STEPS = 1_000_000;
/** The gaps that are told. */
const MOST_GAPS = 100;

/** Addresses that have come to the same place at the same cost. */
interface Cohort {
  readonly addresses: AddressRanges;
  readonly lookups: number;
  readonly voids: number;
}

type Outcome = Readonly<Record<'pass' | 'neutral' | 'softfail' | 'fail', Cohort[]>>;

function union(cohorts: readonly Cohort[]): AddressRanges {
  return mergeRanges(cohorts.flatMap(({ addresses }) => addresses));
}

function isOver({ lookups, voids }: Cohort): boolean {
  return lookups > MOST_LOOKUPS || voids > MOST_VOID_LOOKUPS;
}

function isSameGap(one: SpfGap, other: SpfGap): boolean {
  return one.domain === other.domain && one.term === other.term && one.reason === other.reason;
}

/**
 * Evaluates a record for all addresses of a family at once: what a term matches is taken out of the set, and the rest goes
 * on to the next term. The costs are kept for each cohort, as an address that matches early in an included record has
 * spent less of its lookups than its neighbours.
 */
export class SpfFlattening {
  readonly gaps: SpfGap[] = [];
  readonly #family: 4 | 6;
  readonly #permerror: AddressRange[] = [];
  readonly #ranges = new Map<readonly string[], AddressRanges>();
  #steps = 0;

  constructor(family: 4 | 6) {
    this.#family = family;
  }

  /** The addresses by what they get from the record of the domain that mail is from. To be called once. */
  flatten(record: SpfTreeRecord): Readonly<Record<SpfNetworkResult, AddressRanges>> {
    const all = everyAddress(this.#family);
    const nothing = { pass: [], neutral: [], softfail: [], fail: [], permerror: [] };
    if (record.status === 'none') return { ...nothing, none: all };
    const { pass, neutral, softfail, fail } = this.#evaluate(record, [{ addresses: all, lookups: 0, voids: 0 }]);
    return {
      pass: union(pass),
      neutral: union(neutral),
      softfail: union(softfail),
      fail: union(fail),
      permerror: mergeRanges(this.#permerror),
      none: [],
    };
  }

  #evaluate(record: SpfTreeRecord, cohorts: readonly Cohort[]): Outcome {
    const outcome: Outcome = { pass: [], neutral: [], softfail: [], fail: [] };
    if (record.status === 'failed' || record.status === 'unasked') {
      this.#gap({ domain: record.domain, reason: record.status === 'failed' ? 'lookup-failed' : 'unasked' });
      outcome.neutral.push(...cohorts);
      return outcome;
    }
    if (record.status !== 'record') {
      this.#refuse(cohorts);
      return outcome;
    }
    let live = cohorts;
    for (const term of record.terms) {
      if (live.length === 0) return outcome;
      if (this.#steps > MOST_STEPS) {
        this.#gap({ domain: record.domain, reason: 'too-complex' });
        break;
      }
      if (term.qualifier === undefined || term.status === 'ignored') continue;
      const matched = outcome[term.qualifier];
      live =
        term.name === 'include' ? this.#include(record, term, live, matched) : this.#match(record, term, live, matched);
    }
    // RFC 7208 §6.1: redirect counts when no mechanism matched.
    const redirect = record.terms.find(({ name, status }) => name === 'redirect' && status !== 'ignored');
    if (redirect === undefined || live.length === 0) {
      outcome.neutral.push(...live);
      return outcome;
    }
    const there = this.#follow(record, redirect, live);
    for (const result of ['pass', 'neutral', 'softfail', 'fail'] as const) outcome[result].push(...there[result]);
    return outcome;
  }

  /** Puts what the included record lets pass into `matched`, and returns the rest. */
  #include(record: SpfTreeRecord, term: SpfTreeTerm, live: readonly Cohort[], matched: Cohort[]): readonly Cohort[] {
    const { pass, neutral, softfail, fail } = this.#follow(record, term, live);
    matched.push(...pass);
    // RFC 7208 §5.2: what is neither pass nor an error does not match.
    return this.#merge([...neutral, ...softfail, ...fail]);
  }

  /** One cohort for each cost, so that there are at most 33 of them, whatever the records say. */
  #merge(cohorts: readonly Cohort[]): readonly Cohort[] {
    const byCost = new Map<number, Cohort[]>();
    for (const cohort of cohorts) {
      this.#steps += cohort.addresses.length;
      const cost = cohort.lookups * (MOST_VOID_LOOKUPS + 1) + cohort.voids;
      const same = byCost.get(cost);
      if (same === undefined) byCost.set(cost, [cohort]);
      else same.push(cohort);
    }
    return [...byCost.values()].flatMap((same) =>
      same.slice(0, 1).map((first) => ({ ...first, addresses: union(same) })),
    );
  }

  #follow(record: SpfTreeRecord, term: SpfTreeTerm, cohorts: readonly Cohort[]): Outcome {
    const live = this.#charge(cohorts, 1, 0);
    if (term.record !== undefined) return this.#evaluate(term.record, live);
    const outcome: Outcome = { pass: [], neutral: [], softfail: [], fail: [] };
    if (term.status === 'permerror') {
      this.#refuse(live);
    } else {
      this.#gapOf(record, term);
      outcome.neutral.push(...live);
    }
    return outcome;
  }

  /** Puts what the term matches into `matched`, and returns the rest. */
  #match(record: SpfTreeRecord, term: SpfTreeTerm, live: readonly Cohort[], matched: Cohort[]): readonly Cohort[] {
    const asks = term.name !== 'all' && term.name !== 'ip4' && term.name !== 'ip6';
    let rest = asks ? this.#charge(live, 1, 0) : live;
    if (term.status === 'permerror') {
      this.#refuse(rest);
      return [];
    }
    if (term.status !== 'known' && rest.length > 0) this.#gapOf(record, term);
    rest = this.#charge(rest, 0, this.#family === 4 ? term.voidLookups.ip4 : term.voidLookups.ip6);
    for (const { networks } of term.hosts ?? []) rest = this.#takeOut(networks, rest, matched);
    return term.networks === undefined ? rest : this.#takeOut(term.networks, rest, matched);
  }

  #takeOut(networks: readonly string[], cohorts: readonly Cohort[], matched: Cohort[]): readonly Cohort[] {
    const ranges = this.#rangesOf(networks);
    return cohorts.flatMap((cohort) => {
      this.#steps += cohort.addresses.length + ranges.length;
      const { inside, outside } = splitRanges(cohort.addresses, ranges);
      if (inside.length > 0) matched.push({ ...cohort, addresses: inside });
      return outside.length > 0 ? [{ ...cohort, addresses: outside }] : [];
    });
  }

  /** Lets the cohorts pay; those that cannot are a `permerror` (RFC 7208 §4.6.4). */
  #charge(cohorts: readonly Cohort[], lookups: number, voids: number): readonly Cohort[] {
    const paid = cohorts.map((cohort) => ({
      ...cohort,
      lookups: cohort.lookups + lookups,
      voids: cohort.voids + voids,
    }));
    const [over, within] = [paid.filter(isOver), paid.filter((cohort) => !isOver(cohort))];
    this.#refuse(over);
    return within;
  }

  #refuse(cohorts: readonly Cohort[]): void {
    for (const { addresses } of cohorts) this.#permerror.push(...addresses);
  }

  #rangesOf(networks: readonly string[]): AddressRanges {
    let ranges = this.#ranges.get(networks);
    if (ranges === undefined) {
      const cidrs = networks.flatMap((text) => {
        const read = parseCidr(text);
        return read.ok && read.cidr.network.family === this.#family ? [read.cidr] : [];
      });
      ranges = mergeRanges(cidrs.map(rangeOf));
      this.#ranges.set(networks, ranges);
    }
    return ranges;
  }

  #gapOf(record: SpfTreeRecord, { text, status }: SpfTreeTerm): void {
    const reason = status === 'depends' ? 'depends' : status === 'failed' ? 'lookup-failed' : 'unasked';
    this.#gap({ domain: record.domain, term: text, reason });
  }

  #gap(gap: SpfGap): void {
    if (this.gaps.length < MOST_GAPS && !this.gaps.some((each) => isSameGap(each, gap))) this.gaps.push(gap);
  }
}
