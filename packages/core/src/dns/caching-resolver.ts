import { type Clock, isClock, systemClock } from '../clock.ts';
import { isSubdomainOf } from '../domain-name.ts';
import { OptionReader } from '../options.ts';
import type { Cache } from '../store/cache.ts';
import { AnswerTable } from './answer-table.ts';
import { CachedAnswer, frozenAnswer, type KnownAnswer, STALE_RECHECK_MS, saneTtl } from './cached-answer.ts';
import { dnsFailure } from './dns-failure.ts';
import { toDnsName } from './dns-name.ts';
import type { StoredAnswer } from './encoded-answer.ts';
import { isResolver } from './is-resolver.ts';
import { checkQuestion } from './question.ts';
import type { DnsAnswer, DnsFailure, RecordType, ResolveOptions, Resolver } from './resolver.ts';
import { isCache, SecondLevel } from './second-level.ts';
import { SharedLookup } from './shared-lookup.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** RFC 8767 §4: a TTL counts for at most seven days. */
const LONGEST_TTL_MS = 7 * DAY_MS;

/** What a `CachingResolver` takes. */
export interface CachingResolverOptions {
  /** The most answers that are remembered, 1 to 16,777,216. Default 100,000. */
  readonly maxEntries?: number;
  /** The most memory that they take, in bytes, estimated; at least 1. Default 64 MiB. */
  readonly maxBytes?: number;
  /**
   * Milliseconds for which an answer is kept even if its TTL is less. Default 0: a TTL of 0 is not kept at all.
   * At most `maxTtlMs`.
   */
  readonly minTtlMs?: number;
  /** Milliseconds after which records are asked for again whatever their TTL, up to 7 days (RFC 8767 §4). Default 1 day. */
  readonly maxTtlMs?: number;
  /** The same for the answers `nodata` and `nxdomain` (RFC 2308 §5 found one to three hours to work well). Default 1 hour. */
  readonly maxNegativeTtlMs?: number;
  /** Milliseconds for which a failure is remembered: 1 second (RFC 9520 §3.2) to 5 minutes (RFC 2308 §7). Default 5 seconds. */
  readonly failureTtlMs?: number;
  /**
   * Milliseconds after its expiry for which an answer is still given when the servers cannot be asked (RFC 8767);
   * 0 for never. `ResolveOptions.staleMs` overrides it for one call. Default 1 day.
   */
  readonly staleMs?: number;
  /** Milliseconds after its expiry for which an answer is kept for such calls; at least `staleMs`. Default 3 days. */
  readonly maxStaleMs?: number;
  /** Milliseconds that a caller waits before a stale answer will do (RFC 8767 §5); the lookup goes on. Default 1,800. */
  readonly staleAfterMs?: number;
  /** How many answers at once are refreshed before they expire; 0 turns it off. Default 8. */
  readonly maxPrefetches?: number;
  /** How often an answer must have been given, in the life of its TTL, to be refreshed ahead. Default 3. */
  readonly prefetchHits?: number;
  /**
   * Domains below which nothing is refreshed ahead, and the domains themselves: those of DNS lists that count queries.
   * Names that are asked for with `shownAs` never are. Default none.
   */
  readonly noPrefetch?: readonly string[];
  /** A second level, shared with other machines. It is trusted like the upstream is. Default none. */
  readonly cache?: Cache;
  /** Milliseconds that a lookup waits for the second level, 1 to 10,000. Default 100. */
  readonly cacheTimeoutMs?: number;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
}

/** Counts since the resolver was made, and what it holds now. */
export interface CachingResolverStats {
  /** Lookups answered from memory at once, remembered failures included. */
  readonly hits: number;
  /** Lookups that had to ask. */
  readonly misses: number;
  /** Lookups that waited for one that was under way. */
  readonly merged: number;
  /** Lookups answered with an expired answer. */
  readonly stale: number;
  /** Refreshes ahead of expiry that were started. */
  readonly prefetches: number;
  /** Failures that the upstream answered. */
  readonly failures: number;
  /** Questions that the upstream was asked. */
  readonly upstreamQueries: number;
  /** Misses that the second level answered. */
  readonly cacheHits: number;
  /** Calls of the second level that failed or were late, and values in it that could not be read. */
  readonly cacheErrors: number;
  /** Answers in memory, expired ones included. */
  readonly entries: number;
  /** The memory that they take, estimated. */
  readonly bytes: number;
}

/** Where the answer to a lookup may come from. */
type Source = 'anywhere' | 'upstream' | 'fresh';

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isAbout<T extends RecordType>(lookup: SharedLookup | undefined, type: T): lookup is SharedLookup<T> {
  return lookup?.type === type;
}

/**
 * A resolver that asks each question once. It remembers what another resolver answered, for as long as the answer's TTL
 * says; lets all who ask the same at the same moment wait for one lookup; gives an expired answer when the servers cannot
 * be asked (RFC 8767), marked `stale` and with a TTL of 30 s; and refreshes what is asked for often before it expires.
 *
 * - Records are kept for their TTL within `minTtlMs` and `maxTtlMs`, `nodata` and `nxdomain` for theirs (RFC 2308 §5)
 *   within `maxNegativeTtlMs`, failures for `failureTtlMs`. `aborted` and a name that cannot be asked are never kept.
 * - The `ttl` in an answer is what is left of it. Answers are frozen and shared among callers.
 * - An abort ends the wait of its caller alone. The upstream's lookup is aborted when nobody waits any more.
 * - `fresh: true` asks the upstream whatever is remembered, waits at most for another fresh lookup, and never gets a stale
 *   answer. What it learns is remembered.
 * - An answer that the upstream itself marks as stale is given and not remembered.
 * - Memory is bounded by `maxEntries` and `maxBytes`; what has not been asked for longest goes first.
 *
 * The upstream has to settle every lookup: its own deadline bounds the waiting. It is asked with `staleMs: 0`.
 *
 * Lookups that reach the upstream are traced there (channel `postern.core.resolve`); those answered from memory cost no
 * more than they must, and show in `stats()`.
 *
 * @example
 * ```ts
 * import { CachingResolver, DnsClient } from '@postern/core';
 *
 * const resolver = new CachingResolver(new DnsClient(), { maxEntries: 20_000 });
 * const answer = await resolver.resolve('example.com', 'MX');
 * ```
 */
export class CachingResolver implements Resolver {
  readonly #upstream: Resolver;
  readonly #table: AnswerTable;
  readonly #clock: Clock;
  readonly #second: SecondLevel | undefined;
  readonly #minTtlMs: number;
  readonly #maxTtlMs: number;
  readonly #maxNegativeTtlMs: number;
  readonly #failureTtlMs: number;
  readonly #staleMs: number;
  readonly #maxStaleMs: number;
  readonly #staleAfterMs: number;
  readonly #maxPrefetches: number;
  readonly #prefetchHits: number;
  readonly #noPrefetch: readonly string[];
  readonly #lookups = new Map<string, SharedLookup>();
  readonly #freshLookups = new Map<string, SharedLookup>();
  #prefetching = 0;
  #hits = 0;
  #misses = 0;
  #merged = 0;
  #stale = 0;
  #prefetches = 0;
  #failures = 0;
  #upstreamQueries = 0;
  #cacheHits = 0;

  /** Throws a `TypeError` or `RangeError` that names the option at fault. */
  constructor(upstream: Resolver, options?: CachingResolverOptions) {
    if (!isResolver(upstream)) throw new TypeError('CachingResolver: the upstream must be a Resolver');
    const read = new OptionReader('CachingResolver', options);
    this.#upstream = upstream;
    this.#table = new AnswerTable(
      read.integer('maxEntries', 100_000, { min: 1, max: 2 ** 24 }),
      read.integer('maxBytes', 64 * 1024 * 1024, { min: 1 }),
    );
    this.#maxTtlMs = read.integer('maxTtlMs', DAY_MS, { min: 0, max: LONGEST_TTL_MS });
    this.#minTtlMs = read.integer('minTtlMs', 0, { min: 0, max: this.#maxTtlMs });
    this.#maxNegativeTtlMs = read.integer('maxNegativeTtlMs', HOUR_MS, { min: 0, max: LONGEST_TTL_MS });
    this.#failureTtlMs = read.integer('failureTtlMs', 5_000, { min: 1_000, max: 5 * MINUTE_MS });
    this.#staleMs = read.integer('staleMs', DAY_MS, { min: 0 });
    this.#maxStaleMs = read.integer('maxStaleMs', Math.max(3 * DAY_MS, this.#staleMs), { min: this.#staleMs });
    this.#staleAfterMs = read.integer('staleAfterMs', 1_800, { min: 0, max: MINUTE_MS });
    this.#maxPrefetches = read.integer('maxPrefetches', 8, { min: 0 });
    this.#prefetchHits = read.integer('prefetchHits', 3, { min: 1 });
    this.#noPrefetch = (read.value('noPrefetch', isTextList, 'a list of domains') ?? []).map(
      (domain) => toDnsName(domain) || read.refuse('noPrefetch', 'a list of domains'),
    );
    const cache = read.value('cache', isCache, 'a Cache');
    const cacheTimeoutMs = read.integer('cacheTimeoutMs', 100, { min: 1, max: 10_000 });
    this.#second = cache && new SecondLevel(cache, cacheTimeoutMs);
    this.#clock = read.value('clock', isClock, 'a Clock') ?? systemClock;
    read.done();
  }

  // Not an async function: a hit is answered in a promise that is settled from the start, and costs nothing else.
  resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> {
    // Names in the table are in canonical form, so that one found as it was written is in that form.
    const entry = this.#table.get(name, type);
    if (entry !== undefined && options?.fresh !== true && options?.signal?.aborted !== true) {
      const now = this.#clock.now();
      const answer = entry.fresh(now);
      if (answer !== undefined) {
        this.#hits++;
        if (entry.hit(now, this.#prefetchHits) && options?.shownAs === undefined) this.#prefetch(name, type);
        return Promise.resolve(answer);
      }
    }
    return this.#ask(name, type, options);
  }

  /** A copy of the counts. */
  stats(): CachingResolverStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      merged: this.#merged,
      stale: this.#stale,
      prefetches: this.#prefetches,
      failures: this.#failures,
      upstreamQueries: this.#upstreamQueries,
      cacheHits: this.#cacheHits,
      cacheErrors: this.#second?.errors ?? 0,
      entries: this.#table.entries,
      bytes: this.#table.bytes,
    };
  }

  /** Every lookup that a fresh answer in memory has not settled. */
  async #ask<T extends RecordType>(name: string, type: T, options: ResolveOptions = {}): Promise<DnsAnswer<T>> {
    checkQuestion(name, type, options);
    const { signal, fresh = false } = options;
    const canonical = toDnsName(name);
    if (canonical === undefined) return dnsFailure('malformed', 'The name is not one that DNS can be asked about.');
    if (canonical !== name) return this.resolve(canonical, type, options);
    if (signal?.aborted) return dnsFailure('aborted', 'The caller gave up before the question was asked.');
    if (fresh) return this.#join(this.#running(name, type, 'fresh'), name, type, 'fresh', options, undefined);

    const entry = this.#table.get(name, type);
    const staleMs = Math.min(options.staleMs ?? this.#staleMs, this.#maxStaleMs);
    const fallback = entry && staleMs > 0 ? () => this.#staleAnswer(entry, staleMs) : undefined;
    const running = this.#running(name, type, 'anywhere') ?? this.#running(name, type, 'fresh');
    const now = this.#clock.now();
    if (running?.late === true || entry?.failure(now, STALE_RECHECK_MS) !== undefined) {
      const stale = fallback?.();
      if (stale !== undefined) return stale;
    }
    const failure = entry?.failure(now, this.#failureTtlMs);
    if (failure !== undefined) {
      this.#hits++;
      return failure;
    }
    return this.#join(running, name, type, 'anywhere', options, fallback);
  }

  #join<T extends RecordType>(
    running: SharedLookup<T> | undefined,
    name: string,
    type: T,
    source: Source,
    { signal, shownAs }: ResolveOptions,
    fallback: (() => KnownAnswer<T> | undefined) | undefined,
  ): Promise<DnsAnswer<T>> {
    if (running === undefined) this.#misses++;
    else this.#merged++;
    const lookup = running ?? this.#start(name, type, source, shownAs);
    return lookup.join(signal, fallback, this.#staleAfterMs);
  }

  #lookupsFrom(source: Source): Map<string, SharedLookup> {
    return source === 'fresh' ? this.#freshLookups : this.#lookups;
  }

  /** The lookup of the question that is under way and still wanted. */
  #running<T extends RecordType>(name: string, type: T, source: Source): SharedLookup<T> | undefined {
    const lookup = this.#lookupsFrom(source).get(`${type} ${name}`);
    return isAbout(lookup, type) && !lookup.abandoned.aborted ? lookup : undefined;
  }

  #start<T extends RecordType>(name: string, type: T, source: Source, shownAs: string | undefined): SharedLookup<T> {
    const lookup = new SharedLookup(type);
    this.#lookupsFrom(source).set(`${type} ${name}`, lookup);
    void this.#run(name, type, source, shownAs, lookup);
    return lookup;
  }

  async #run<T extends RecordType>(
    name: string,
    type: T,
    source: Source,
    shownAs: string | undefined,
    lookup: SharedLookup<T>,
  ): Promise<void> {
    try {
      lookup.settle(await this.#find(name, type, source, shownAs, lookup.abandoned));
    } catch (error) {
      // The upstream found a mistake in the program: that is for the callers to hear.
      lookup.reject(error);
    } finally {
      if (source === 'upstream') this.#prefetching--;
      const lookups = this.#lookupsFrom(source);
      // An abandoned lookup may have been followed by another.
      if (lookups.get(`${type} ${name}`) === lookup) lookups.delete(`${type} ${name}`);
    }
  }

  async #find<T extends RecordType>(
    name: string,
    type: T,
    source: Source,
    shownAs: string | undefined,
    abandoned: AbortSignal,
  ): Promise<DnsAnswer<T>> {
    if (source === 'anywhere' && this.#second !== undefined) {
      const answer = this.#recall(name, type, await this.#second.get(name, type));
      if (answer !== undefined) return answer;
    }
    if (abandoned.aborted) return dnsFailure('aborted', 'Nobody waits any more.');
    this.#upstreamQueries++;
    const answer = await this.#upstream.resolve(name, type, {
      signal: abandoned,
      staleMs: 0,
      ...(source === 'fresh' ? { fresh: true } : {}),
      ...(shownAs === undefined ? {} : { shownAs }),
    });
    if (answer.kind !== 'failure') {
      return answer.stale ? frozenAnswer(answer, saneTtl(answer.ttl)) : this.#remember(name, type, source, answer);
    }
    const failure = Object.freeze(answer);
    if (abandoned.aborted) return failure;
    this.#failures++;
    if (failure.reason !== 'aborted') this.#rememberFailure(name, type, failure);
    return failure;
  }

  /** What another machine has stored, if it still counts. */
  #recall<T extends RecordType>(
    name: string,
    type: T,
    stored: StoredAnswer<T> | undefined,
  ): KnownAnswer<T> | undefined {
    if (stored === undefined) return undefined;
    const now = this.#clock.now();
    // The other machine's clock may be ahead: what it stored "in the future" counts as stored now.
    const entry = this.#entry(name, type, stored.answer, Math.min(stored.storedAt, now));
    const answer = entry.fresh(now);
    if (answer === undefined) return undefined;
    this.#cacheHits++;
    this.#table.set(name, entry);
    return answer;
  }

  #entry<T extends RecordType>(name: string, type: T, answer: KnownAnswer<T>, storedAt: number): CachedAnswer<T> {
    const maxTtlMs = answer.kind === 'records' ? this.#maxTtlMs : this.#maxNegativeTtlMs;
    const ttlMs = Math.min(maxTtlMs, Math.max(this.#minTtlMs, saneTtl(answer.ttl) * 1_000));
    const prefetch = !this.#noPrefetch.some((domain) => name === domain || isSubdomainOf(name, domain));
    // The last tenth of the TTL.
    const refreshAgeMs = prefetch ? Math.floor(ttlMs * 0.9) : ttlMs;
    return new CachedAnswer(type, frozenAnswer(answer, Math.floor(ttlMs / 1_000)), storedAt, ttlMs, refreshAgeMs);
  }

  #remember<T extends RecordType>(name: string, type: T, source: Source, answer: KnownAnswer<T>): KnownAnswer<T> {
    const now = this.#clock.now();
    const entry = this.#entry(name, type, answer, now);
    const given = entry.fresh(now);
    if (given === undefined) {
      // A TTL of 0: what was remembered is no longer true, and this is not to be remembered.
      this.#table.delete(name, type);
      if (source === 'fresh') this.#second?.delete(name, type);
      return frozenAnswer(answer, 0);
    }
    this.#table.set(name, entry);
    this.#second?.set(name, type, { answer: given, storedAt: now }, entry.ttlMs);
    return given;
  }

  /** RFC 9520 §3.2. Beside the answer, if there is one: that may yet have to be given. */
  #rememberFailure(name: string, type: RecordType, failure: DnsFailure): void {
    const entry = this.#table.get(name, type) ?? new CachedAnswer(type, undefined, 0, 0, 0);
    entry.fail(failure, this.#clock.now());
    this.#table.set(name, entry);
  }

  #staleAnswer<T extends RecordType>(entry: CachedAnswer<T>, staleMs: number): KnownAnswer<T> | undefined {
    const answer = entry.stale(this.#clock.now(), staleMs);
    if (answer !== undefined) this.#stale++;
    return answer;
  }

  #prefetch(name: string, type: RecordType): void {
    if (this.#prefetching >= this.#maxPrefetches || this.#running(name, type, 'anywhere') !== undefined) return;
    this.#prefetching++;
    this.#prefetches++;
    this.#start(name, type, 'upstream', undefined).keep();
  }
}
