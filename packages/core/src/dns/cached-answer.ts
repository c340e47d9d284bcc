import type { DnsAbsence, DnsAnswer, DnsFailure, DnsRecords, RecordType } from './resolver.ts';

/** An answer that says something about the records: every one but a failure. */
export type KnownAnswer<T extends RecordType = RecordType> = DnsRecords<T> | DnsAbsence;

/** RFC 8767 §4: stale answers are given with a TTL of 30 seconds. */
const STALE_TTL_SECONDS = 30;
/** RFC 8767 §5, the failure recheck timer: so long is a stale answer given without asking again. */
export const STALE_RECHECK_MS = 30_000;

/** RFC 2181 §8: a TTL has 31 bits. */
const MAX_TTL_SECONDS = 0x7fffffff;

/** The TTL of an answer in whole seconds; 0 when it is none (RFC 2181 §8: one with the most significant bit set is 0). */
export function saneTtl(ttl: number): number {
  return ttl >= 0 && ttl <= MAX_TTL_SECONDS ? Math.floor(ttl) : 0;
}

/** The answer with another TTL, frozen through and through, in arrays no longer than their content. */
export function frozenAnswer<T extends RecordType>(answer: KnownAnswer<T>, ttl: number): KnownAnswer<T> {
  if (answer.kind !== 'records') return Object.freeze({ ...answer, ttl });
  const records = Object.freeze([...answer.records]);
  for (const record of records) Object.freeze(record);
  return Object.freeze({ ...answer, records, ttl });
}

/**
 * Whether `now` lies less than `spanMs` after `start`. A start in the future is no start: when somebody has put the
 * clock back, nothing is known about the age of what was remembered before.
 */
function isWithin(start: number, spanMs: number, now: number): boolean {
  return now >= start && now - start < spanMs;
}

/** What is remembered about one question: the last answer, and whether asking again has failed since. */
export class CachedAnswer<T extends RecordType = RecordType> {
  readonly type: T;
  /** For how long the answer counts, from `storedAt` on. */
  readonly ttlMs: number;
  /** What else is remembered about the name; `AnswerTable` keeps this. */
  next: CachedAnswer | undefined = undefined;
  readonly #storedAt: number;
  /** From this age on the answer is refreshed before it expires. */
  readonly #refreshAgeMs: number;
  #hits = 0;
  #answer: KnownAnswer<T> | undefined;
  #failure: DnsFailure | undefined = undefined;
  #failedAt = 0;

  /**
   * @param answer - `undefined` when there is nothing but a failure to remember
   * @param storedAt - when the answer was given, in milliseconds since the epoch
   * @param refreshAgeMs - age from which on it is refreshed before it expires; `ttlMs` for never
   */
  constructor(type: T, answer: KnownAnswer<T> | undefined, storedAt: number, ttlMs: number, refreshAgeMs: number) {
    this.type = type;
    this.#answer = answer;
    this.#storedAt = storedAt;
    this.ttlMs = ttlMs;
    this.#refreshAgeMs = refreshAgeMs;
  }

  /** The answer, if it has not expired, with what is left of its TTL. */
  fresh(now: number): KnownAnswer<T> | undefined {
    const answer = this.#answer;
    const age = now - this.#storedAt;
    if (answer === undefined || age < 0 || age >= this.ttlMs) return undefined;
    const ttl = Math.floor((this.ttlMs - age) / 1_000);
    // The same object serves all callers of the same second.
    if (ttl === answer.ttl) return answer;
    const counted = Object.freeze({ ...answer, ttl });
    this.#answer = counted;
    return counted;
  }

  /** The answer, marked, if it expired at most `staleMs` ago. */
  stale(now: number, staleMs: number): KnownAnswer<T> | undefined {
    const expiredFor = now - this.#storedAt - this.ttlMs;
    if (this.#answer === undefined || expiredFor < 0 || expiredFor > staleMs) return undefined;
    return Object.freeze({ ...this.#answer, ttl: STALE_TTL_SECONDS, stale: true });
  }

  /** Counts a hit, and says whether the answer is so often asked for and so close to its end that it is to be refreshed. */
  hit(now: number, prefetchHits: number): boolean {
    this.#hits++;
    const due = now - this.#storedAt >= this.#refreshAgeMs && this.#hits >= prefetchHits && this.#failure === undefined;
    // The next attempt, if this one leads to nothing, takes as many hits again.
    if (due) this.#hits = 0;
    return due;
  }

  fail(failure: DnsFailure, now: number): void {
    this.#failure = failure;
    this.#failedAt = now;
  }

  /** The failure to ask again, if it is less than `spanMs` ago. */
  failure(now: number, spanMs: number): DnsFailure | undefined {
    return isWithin(this.#failedAt, spanMs, now) ? this.#failure : undefined;
  }

  /** What takes memory here. */
  get parts(): readonly (DnsAnswer<T> | undefined)[] {
    return [this.#answer, this.#failure];
  }
}
