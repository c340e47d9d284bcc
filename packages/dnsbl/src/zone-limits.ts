import {
  type Clock,
  type DnsAnswer,
  isClock,
  isResolver,
  isSubdomainOf,
  OptionReader,
  RateTable,
  type RecordType,
  type ResolveOptions,
  type Resolver,
  systemClock,
  toAsciiDomain,
} from '@postern/core';
import { overBudget, tooManyAtOnce } from './limit-failure.ts';

/** How much may be asked of one DNS list. */
export interface ZoneLimit {
  /** The list's name, without a key; all names below it count. */
  readonly zone: string;
  /** Queries that may wait for its answer at once: a list that hangs takes up no more. From 1. Default 100. */
  readonly maxInFlight?: number;
  /** Queries that may be sent in any time of `perMs`, about (a sliding window of two parts). From 1. Default no limit. */
  readonly count?: number;
  /** Milliseconds, from 1,000 to 31 days. Default 86,400,000: a day, which is what operators' terms speak of. */
  readonly perMs?: number;
}

/** What a {@link ZoneLimits} takes. */
export interface ZoneLimitsOptions {
  /** One for each list; names that lie below none are not limited. */
  readonly limits: readonly ZoneLimit[];
  /** Default: the system's. */
  readonly clock?: Clock;
}

interface Gauge {
  readonly zone: string;
  readonly maxInFlight: number;
  readonly count: number;
  readonly perMs: number;
  inFlight: number;
}

const DAY_MS = 86_400_000;

function isLimitList(value: unknown): value is readonly ZoneLimit[] {
  return Array.isArray(value) && value.length > 0 && value.length <= 1_000;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}

function readLimit(owner: string, limit: unknown): Gauge {
  const read: OptionReader = new OptionReader(owner, limit);
  const zone = toAsciiDomain(read.required('zone', isText, 'a domain name'));
  if (zone === undefined) read.refuse('zone', 'a domain name');
  const maxInFlight = read.integer('maxInFlight', 100, { min: 1 });
  const count = read.value('count', isCount, 'a whole number ≥ 1') ?? Number.POSITIVE_INFINITY;
  const perMs = read.integer('perMs', DAY_MS, { min: 1_000, max: 31 * DAY_MS });
  read.done();
  return { zone, maxInFlight, count, perMs, inFlight: 0 };
}

/**
 * Keeps queries to DNS lists within what their operators allow, and a list that hangs from taking up the resolver: a
 * `Resolver` to be put between cache and client, so that only what really leaves counts.
 *
 * A query beyond a limit is not sent; the zone is then `unknown` with the reason `over-budget` or `too-many-at-once`, at
 * once. A cache in front remembers that like any failure, a few seconds. The limits hold for one process.
 *
 * @example
 * ```ts
 * import { CachingResolver, DnsClient } from '@postern/core';
 * import { ZoneLimits } from '@postern/dnsbl';
 *
 * const limits = [{ zone: 'zen.spamhaus.org', count: 100_000 }];
 * const resolver = new CachingResolver(new ZoneLimits(new DnsClient(), { limits }));
 * ```
 */
export class ZoneLimits implements Resolver {
  readonly #upstream: Resolver;
  /** The longest names first: a list below another one's name has its own limit. */
  readonly #gauges: readonly Gauge[];
  readonly #clock: Clock;
  readonly #charges: RateTable;

  /** @throws TypeError or RangeError that names the option */
  constructor(upstream: Resolver, options: ZoneLimitsOptions) {
    if (!isResolver(upstream)) throw new TypeError('ZoneLimits: the upstream must be a Resolver');
    const read = new OptionReader('ZoneLimits', options);
    const limits = read.required('limits', isLimitList, 'a list of 1 to 1,000 limits');
    this.#clock = read.value('clock', isClock, 'a Clock') ?? systemClock;
    read.done();
    const gauges = limits.map((limit, index) => readLimit(`ZoneLimits: limits[${index}]`, limit));
    this.#upstream = upstream;
    this.#gauges = gauges.toSorted((a, b) => b.zone.length - a.zone.length);
    this.#charges = new RateTable(Math.max(64, 2 * gauges.length));
  }

  async resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> {
    const gauge = this.#gauges.find(({ zone }) => isSubdomainOf(name, zone));
    if (gauge === undefined) return this.#upstream.resolve(name, type, options);
    if (gauge.inFlight >= gauge.maxInFlight) return tooManyAtOnce;
    if (gauge.count !== Number.POSITIVE_INFINITY && !this.#charge(gauge)) return overBudget;
    gauge.inFlight++;
    try {
      return await this.#upstream.resolve(name, type, options);
    } finally {
      gauge.inFlight--;
    }
  }

  #charge({ zone, count, perMs }: Gauge): boolean {
    return this.#charges.charge([{ algorithm: 'sliding', key: zone, cost: 1, count, perMs }], this.#clock.now())
      .allowed;
  }
}
