import { setImmediate } from 'node:timers/promises';
import { FakeClock, ZoneResolver } from '@postern/testing';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { CachingResolver } from './caching-resolver.ts';
import type { ResolveOptions } from './resolver.ts';

const NAMES = ['a.example', 'b.example'] as const;
const SOA_MINIMUM = 20;

/** What the servers say about a name, as seconds of TTL or as a failure. */
type Truth = { readonly records: number } | { readonly absent: true } | { readonly failure: 'timeout' | 'servfail' };

interface Settings {
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly maxNegativeTtlMs: number;
  readonly staleMs: number;
  readonly maxStaleMs: number;
  readonly maxPrefetches: number;
}

const FAILURE_TTL_MS = 5_000;
const PREFETCH_HITS = 2;

/** What an answer looks like from outside. */
interface Seen {
  readonly kind: string;
  readonly ttl?: number;
  readonly stale?: boolean;
  /** Which truth it tells: each is told from the others by its address. */
  readonly version?: number;
  readonly reason?: string;
}

interface Known {
  readonly seen: Seen;
  readonly at: number;
  readonly ttlMs: number;
  hits: number;
}

/** The rules of `CachingResolver` once more, in the plainest words: one map, no time passes while it asks. */
class Model {
  queries = 0;
  stale = 0;
  readonly #settings: Settings;
  readonly #truths = new Map<string, { truth: Truth; version: number }>();
  readonly #known = new Map<string, Known>();
  readonly #failed = new Map<string, { seen: Seen; at: number }>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  say(name: string, truth: Truth, version: number): void {
    this.#truths.set(name, { truth, version });
  }

  lookUp(name: string, now: number, { fresh, staleMs }: ResolveOptions): Seen {
    if (fresh) return this.#query(name, now);
    const known = this.#known.get(name);
    if (known !== undefined && now >= known.at && now < known.at + known.ttlMs) {
      const left = known.at + known.ttlMs - now;
      this.#hit(name, known, now);
      return { ...known.seen, ttl: Math.floor(left / 1_000) };
    }
    const failed = this.#failed.get(name);
    const sinceFailure = failed === undefined || now < failed.at ? Number.POSITIVE_INFINITY : now - failed.at;
    const stale = this.#staleAnswer(name, now, staleMs);
    if (stale !== undefined && sinceFailure < 30_000) return this.#countStale(stale);
    if (failed !== undefined && sinceFailure < FAILURE_TTL_MS) return failed.seen;
    const seen = this.#query(name, now);
    return seen.kind === 'failure' && stale !== undefined ? this.#countStale(stale) : seen;
  }

  #countStale(seen: Seen): Seen {
    this.stale++;
    return seen;
  }

  #hit(name: string, known: Known, now: number): void {
    known.hits++;
    const due = now - known.at >= Math.floor(known.ttlMs * 0.9) && known.hits >= PREFETCH_HITS;
    if (!due || this.#failed.has(name)) return;
    known.hits = 0;
    if (this.#settings.maxPrefetches > 0) this.#query(name, now);
  }

  #staleAnswer(name: string, now: number, staleMs: number | undefined): Seen | undefined {
    const known = this.#known.get(name);
    const bound = Math.min(staleMs ?? this.#settings.staleMs, this.#settings.maxStaleMs);
    if (known === undefined || bound === 0) return undefined;
    const expiredFor = now - known.at - known.ttlMs;
    return expiredFor >= 0 && expiredFor <= bound ? { ...known.seen, ttl: 30, stale: true } : undefined;
  }

  #query(name: string, now: number): Seen {
    this.queries++;
    const { truth, version } = this.#truths.get(name) ?? { truth: { absent: true }, version: 0 };
    if ('failure' in truth) {
      const seen = { kind: 'failure', reason: truth.failure };
      this.#failed.set(name, { seen, at: now });
      return seen;
    }
    const { minTtlMs, maxTtlMs, maxNegativeTtlMs } = this.#settings;
    const isPositive = 'records' in truth;
    const ttlMs = Math.min(
      isPositive ? maxTtlMs : maxNegativeTtlMs,
      Math.max(minTtlMs, (isPositive ? truth.records : SOA_MINIMUM) * 1_000),
    );
    const seen = isPositive ? { kind: 'records', version } : { kind: 'nxdomain' };
    this.#failed.delete(name);
    if (ttlMs > 0) this.#known.set(name, { seen, at: now, ttlMs, hits: 0 });
    else this.#known.delete(name);
    return { ...seen, ttl: Math.floor(ttlMs / 1_000) };
  }
}

const name = fc.constantFrom(...NAMES);
const truth = fc.oneof(
  { weight: 3, arbitrary: fc.record({ records: fc.constantFrom(0, 1, 3, 10, 60, 300) }) },
  { weight: 1, arbitrary: fc.constant({ absent: true } as const) },
  { weight: 3, arbitrary: fc.record({ failure: fc.constantFrom('timeout' as const, 'servfail' as const) }) },
);
const options = fc.record(
  { fresh: fc.constantFrom(false, false, false, true), staleMs: fc.constantFrom(0, 1_000, 30_000, 200_000) },
  { requiredKeys: [] },
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ lookUp: name, options }) },
  {
    weight: 3,
    arbitrary: fc.record({ advanceMs: fc.oneof(fc.nat(70_000), fc.constantFrom(1, 900, 1_000, 4_999, 5_000, 30_000)) }),
  },
  { weight: 2, arbitrary: fc.record({ say: name, truth }) },
  { weight: 1, arbitrary: fc.record({ putBackMs: fc.nat(100_000) }) },
);
const settings = fc.record({
  minTtlMs: fc.constantFrom(0, 0, 2_500),
  maxTtlMs: fc.constantFrom(60_000, 86_400_000),
  maxNegativeTtlMs: fc.constantFrom(0, 5_500, 3_600_000),
  staleMs: fc.constantFrom(0, 10_000, 60_000),
  maxStaleMs: fc.constantFrom(60_000, 120_000),
  maxPrefetches: fc.constantFrom(0, 1, 8),
});

it('CachingResolver behaves as its rules say, whatever happens in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(settings, fc.array(step, { minLength: 5, maxLength: 60 }), async (chosen, steps) => {
      const clock = new FakeClock();
      const upstream = new ZoneResolver({ example: { SOA: `ns.example h.example 1 3600 600 86400 ${SOA_MINIMUM}` } });
      const resolver = new CachingResolver(upstream, {
        clock,
        failureTtlMs: FAILURE_TTL_MS,
        prefetchHits: PREFETCH_HITS,
        ...chosen,
      });
      const model = new Model(chosen);
      let version = 0;
      for (const each of steps) {
        if ('advanceMs' in each) {
          clock.advance(each.advanceMs);
        } else if ('putBackMs' in each) {
          clock.set(clock.now() - each.putBackMs);
        } else if ('say' in each) {
          version++;
          model.say(each.say, each.truth, version);
          if ('failure' in each.truth) upstream.set(each.say, each.truth.failure);
          else if ('records' in each.truth) upstream.set(each.say, { A: address(version), ttl: each.truth.records });
          else upstream.delete(each.say);
        } else {
          const expected = model.lookUp(each.lookUp, clock.now(), each.options);
          const answer = await resolver.resolve(each.lookUp, 'A', each.options);
          const { kind, ttl, stale, records, reason } = {
            ttl: undefined,
            stale: undefined,
            records: undefined,
            reason: undefined,
            ...answer,
          };
          const seen = { kind, ttl, stale, reason, records };
          const { version: told, ...rest } = expected;
          expect(seen).toEqual({ ...rest, records: told === undefined ? undefined : [address(told)] });
          // A refresh ahead of expiry ends before the next step.
          await setImmediate();
        }
        expect(upstream.queries.count()).toBe(model.queries);
        expect(resolver.stats()).toMatchObject({ upstreamQueries: model.queries, stale: model.stale });
      }
    }),
    { numRuns: 400 },
  );
});

function address(version: number): string {
  return `192.0.2.${version}`;
}
