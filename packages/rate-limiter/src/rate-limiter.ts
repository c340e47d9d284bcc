import type { TracingChannel } from 'node:diagnostics_channel';
import {
  type Awaitable,
  abortable,
  type Charge,
  type ChargeResult,
  type ChargeState,
  type Clock,
  isClock,
  isPending,
  isStore,
  OptionReader,
  RateTable,
  type Store,
  systemClock,
} from '@postern/core';
import { RateLimit, type RateLimitOptions } from './rate-limit.ts';
import { RateCounter, type RateStats } from './rate-stats.ts';
import { knownKeys, type RateSubject } from './rate-subject.ts';
import { consumeChannel, type RateTrace } from './rate-tracing.ts';

/** What a `RateLimiter` is made of. */
export interface RateLimiterOptions {
  /** 1 to 64 limits with different names. */
  readonly limits: readonly RateLimitOptions[];
  /** Several machines that count together, or a store that others use too. Default: the limiter counts in its own memory. */
  readonly store?: Store;
  /** Stands before every key in the `store`: limiters of the same name share their counts. Default `rate`. */
  readonly name?: string;
  /**
   * Without a `store`: the most states, one for each key and limit. From the number of limits to 16,777,216, default
   * 100,000; 62 bytes each.
   */
  readonly maxKeys?: number;
  /** Without a `store`, which has its own. Default: the system's. */
  readonly clock?: Clock;
}

/** How a call is charged. */
export interface ConsumeOptions {
  /** A whole number ≥ 0; 0 asks without charging. Default 1. */
  readonly cost?: number | undefined;
  /** Ends the wait for the store, not the charge: who hangs up gets nothing back. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a call. */
export interface RateResult {
  /** Every limit had room and was charged; otherwise none was. */
  readonly allowed: boolean;
  /**
   * The limit that refused, of several the one to wait for longest; or else the one that has the least left. `undefined`:
   * no limit applies to this subject.
   */
  readonly limit: string | undefined;
  /** What may still be spent at once under that limit, in whole costs. `Infinity` without a limit. */
  readonly remaining: number;
  /** Whole milliseconds until the cost fits; 0 if it did, `Infinity` if it is more than a limit ever allows. */
  readonly retryAfterMs: number;
}

/** The limits that apply to one call, and what they charge: three lists in the same order. */
interface Plan {
  readonly limits: readonly RateLimit[];
  /** Their numbers. */
  readonly scopes: readonly number[];
  readonly charges: readonly Charge[];
}

const unlimited: RateResult = Object.freeze({
  allowed: true,
  limit: undefined,
  remaining: Number.POSITIVE_INFINITY,
  retryAfterMs: 0,
});

/**
 * How often, or how much, in such a time: several named limits by several keys, judged together. All are charged or none.
 *
 * What is guaranteed, whatever clients do:
 *
 * - **No limit is ever exceeded** by a key whose state is kept, at any instant: counts, bursts and windows are exact for
 *   whole numbers up to 2^53 (cost × milliseconds), far beyond it within 1 part in 10^15. With a shared `store`, what the
 *   store promises.
 * - **Memory is fixed**: `maxKeys` states, each 62 bytes; the text of keys is not kept, but a keyed fingerprint of 128 bits,
 *   so nobody can make two keys that count as one.
 * - **Nobody gets free by flooding**: the state of a key that is at its limit, or that was refused and would be refused
 *   still, is never forgotten. For a new key the least dangerous of 8 others is: one with nothing left to know, or else the
 *   one that has used the smallest part of its limit. When all that are looked at (64) are at their limits, new keys count
 *   as one that is at its limit too: they are refused until there is room. `maxKeys` is best a few times the number of
 *   keys that can be at their limits at once.
 * - **Clock jumps**: when the clock goes back, time stands still. Nothing is paid off, and nobody waits longer than before.
 *
 * Without a `store`, or with one that answers at once such as core's `MemoryStore`, the result is there at once, without a
 * promise; `await` serves both. When a shared store cannot be asked, the call rejects with its error; that of
 * `@postern/redis` falls back to a local count instead.
 *
 * Subscribers of the diagnostics channel `postern.rate-limiter.consume` see every call; without any it costs nothing.
 *
 * @example
 * ```ts
 * import { RateLimiter } from '@postern/rate-limiter';
 *
 * const limiter = new RateLimiter({
 *   limits: [
 *     { name: 'client', per: 'client', count: 60, perMs: 60_000, burst: 20 },
 *     { name: 'network', per: 'client', ipv4PrefixLength: 24, ipv6PrefixLength: 48, count: 300, perMs: 60_000 },
 *     { name: 'user', per: 'user', count: 500, perMs: 86_400_000, algorithm: 'sliding' },
 *   ],
 * });
 * const { allowed, limit, retryAfterMs } = await limiter.consume({ client: '192.0.2.1', user: 'alice' });
 * if (!allowed) console.log(`refused by ${limit}, come back in ${retryAfterMs} ms`);
 * ```
 */
export class RateLimiter {
  readonly #limits: readonly RateLimit[];
  readonly #counters: readonly RateCounter[];
  /** The only limit, when it is counted here. */
  readonly #only: RateLimit | undefined;
  /** The names that a subject may have; `undefined`: any, since a function may read it. */
  readonly #names: ReadonlySet<string> | undefined;
  /** All limits count by one key of the subject, which a bare string stands for. */
  readonly #takesText: boolean;
  readonly #scopes: readonly number[];
  readonly #store: Store | undefined;
  readonly #prefixes: readonly string[];
  readonly #table: RateTable;
  readonly #clock: Clock;
  readonly #channel: TracingChannel<unknown, RateTrace> = consumeChannel();

  /** @throws TypeError or RangeError that names the option */
  constructor(options: RateLimiterOptions) {
    const read = new OptionReader('RateLimiter', options);
    const limits = read.required('limits', isArray, 'a list of limits');
    if (limits.length < 1 || limits.length > 64) read.refuse('limits', 'a list of 1 to 64 limits');
    const name = read.text('name', 'rate');
    this.#store = read.value('store', isStore, 'a Store');
    this.#clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    const maxKeys = read.integer('maxKeys', 100_000, { min: 1, max: 16_777_216 });
    read.done();
    if (this.#store !== undefined && options.maxKeys !== undefined) {
      read.refuse('maxKeys', 'absent beside a store, which has its own bound');
    }
    // With less no call would ever find a place for all its keys.
    if (maxKeys < limits.length) read.refuse('maxKeys', `at least ${limits.length}, one for each limit`);
    this.#limits = limits.map((limit, index) => new RateLimit(limit, index));
    this.#counters = this.#limits.map((limit) => new RateCounter(limit.name, limit.capacity));
    this.#only = this.#store === undefined && this.#limits.length === 1 ? this.#limits[0] : undefined;
    if (new Set(this.#limits.map((limit) => limit.name)).size < this.#limits.length) {
      read.refuse('limits', 'a list of limits with different names');
    }
    this.#prefixes = this.#limits.map((limit) => `${name}:${limit.name}:`);
    const keys = new Set(this.#limits.map(({ per }) => per).filter((per) => per !== 'total'));
    const names = [...keys].filter((per) => typeof per === 'string');
    this.#names = names.length === keys.size ? new Set([...knownKeys, ...names]) : undefined;
    this.#takesText = keys.size === 1 && names.length === 1;
    this.#scopes = this.#limits.map((_limit, scope) => scope);
    this.#table = new RateTable(this.#store === undefined ? maxKeys : 1);
  }

  /**
   * Charges all limits that apply to the subject, or none.
   *
   * @param subject - whom the call is about; a bare string when all limits count by the same key
   * @throws TypeError on a key that no limit has, or when the subject has none of the keys that the limits count by;
   *   RangeError on a cost that is no whole number ≥ 0; the signal's reason when it has fired
   */
  consume(subject: string | RateSubject, options?: ConsumeOptions): Awaitable<RateResult> {
    const cost = readCost('consume', options);
    const only = this.#only;
    if (only !== undefined && !this.#channel.hasSubscribers) return this.#consumeOne(only, subject, cost);
    const plan = this.#plan('consume', subject, cost);
    if (!this.#channel.hasSubscribers) return this.#consume(plan, cost, options?.signal);
    const trace: RateTrace = { subject, cost };
    return this.#channel.start.runStores(trace, () => this.#traced(trace, plan, options?.signal));
  }

  /** What `consume` would answer, without charging anything: the limit that would refuse, or what is left. */
  peek(subject: string | RateSubject, options?: ConsumeOptions): Awaitable<RateResult> {
    const cost = readCost('peek', options);
    const plan = this.#plan('peek', subject, cost);
    const asked = this.#charge({ ...plan, charges: plan.charges.map((charge) => ({ ...charge, cost: 0 })) });
    if (!isPending(asked)) return this.#look(plan, cost, asked);
    return within(
      asked.then((result) => this.#look(plan, cost, result)),
      options?.signal,
    );
  }

  /** Takes a charge back, as far as there is something to take back: for what turned out not to count. */
  refund(subject: string | RateSubject, options?: ConsumeOptions): Awaitable<void> {
    const cost = readCost('refund', options);
    const plan = this.#plan('refund', subject, cost);
    return within(this.#refund(plan), options?.signal);
  }

  /** Forgets what was charged for the subject's keys, under all limits that apply to it. */
  reset(subject: string | RateSubject, options?: Pick<ConsumeOptions, 'signal'>): Awaitable<void> {
    readCost('reset', options);
    const { charges, scopes } = this.#plan('reset', subject, 0);
    if (this.#store !== undefined) {
      return within(this.#store.reset(charges.map(({ key }) => key)), options?.signal);
    }
    charges.forEach(({ key }, index) => {
      this.#table.reset([key], scopes[index]);
    });
  }

  /**
   * How each limit fared in this process since it was made or since the last reset, in the order of the limits.
   *
   * @param options - `reset: true` starts anew once it has been read
   */
  stats(options?: { readonly reset?: boolean }): readonly RateStats[] {
    const read = new OptionReader('RateLimiter.stats', options);
    const reset = read.boolean('reset', false);
    read.done();
    return this.#counters.map((counter) => {
      const stats = counter.read();
      if (reset) counter.reset();
      return stats;
    });
  }

  #plan(call: string, subject: string | RateSubject, cost: number): Plan {
    this.#assertSubject(call, subject);
    const charges: Charge[] = [];
    let limits = this.#limits;
    let scopes = this.#scopes;
    for (let scope = 0; scope < this.#limits.length; scope++) {
      const limit = this.#limits[scope];
      if (limit === undefined) continue;
      const key = typeof subject === 'string' ? limit.keyOfText(subject) : limit.keyOf(call, subject);
      if (key === undefined) {
        limits = limits.filter((each) => each !== limit);
        scopes = scopes.filter((each) => each !== scope);
      } else {
        charges.push(limit.charge(this.#store === undefined ? key : `${this.#prefixes[scope]}${key}`, cost));
      }
    }
    if (charges.length === 0 && typeof subject === 'object') this.#assertNamed(call, subject);
    return { limits, scopes, charges };
  }

  #assertSubject(call: string, subject: string | RateSubject): void {
    if (typeof subject === 'string') {
      if (this.#takesText) return;
      throw new TypeError(`RateLimiter.${call}: a bare string needs limits that all count by one key of the subject`);
    }
    if (typeof subject !== 'object' || subject === null) {
      throw new TypeError(`RateLimiter.${call}: the subject must be a string or an object`);
    }
    if (this.#names === undefined) return;
    for (const name in subject) {
      if (this.#names.has(name)) continue;
      const names = [...this.#names].map((each) => JSON.stringify(each)).join(', ');
      throw new TypeError(`RateLimiter.${call}: unknown key ${JSON.stringify(name)}; it takes ${names}`);
    }
  }

  /** That nobody is named is all right; that the caller does not know what to name is not. */
  #assertNamed(call: string, subject: RateSubject): void {
    if (this.#limits.some(({ per }) => typeof per === 'function' || per in subject)) return;
    const keys = this.#limits.map(({ per }) => JSON.stringify(per)).join(', ');
    throw new TypeError(`RateLimiter.${call}: the subject has none of the keys that the limits count by: ${keys}`);
  }

  /** The same as by a plan, without the objects that it takes. */
  #consumeOne(limit: RateLimit, subject: string | RateSubject, cost: number): RateResult {
    let key: string | undefined;
    if (typeof subject === 'string' && this.#takesText) key = limit.keyOfText(subject);
    else key = this.#keyOf(limit, subject);
    if (key === undefined) return unlimited;
    const table = this.#table;
    const allowed = table.chargeOne(limit.rate, key, cost, this.#clock.now(), 0);
    const { remaining, retryAfterMs } = table;
    if (cost > 0) this.#counters[0]?.count(allowed, remaining, retryAfterMs);
    return { allowed, limit: limit.name, remaining: Math.floor(remaining), retryAfterMs };
  }

  #keyOf(limit: RateLimit, subject: string | RateSubject): string | undefined {
    this.#assertSubject('consume', subject);
    if (typeof subject === 'string') return limit.keyOfText(subject);
    const key = limit.keyOf('consume', subject);
    if (key === undefined) this.#assertNamed('consume', subject);
    return key;
  }

  #consume(plan: Plan, cost: number, signal: AbortSignal | undefined): Awaitable<RateResult> {
    const charged = this.#charge(plan);
    if (!isPending(charged)) return this.#judge(plan, cost, charged);
    return within(
      charged.then((result) => this.#judge(plan, cost, result)),
      signal,
    );
  }

  #traced(trace: RateTrace, plan: Plan, signal: AbortSignal | undefined): Awaitable<RateResult> {
    const channel = this.#channel;
    try {
      const result = this.#consume(plan, trace.cost, signal);
      if (!isPending(result)) {
        trace.result = result;
        return result;
      }
      return result
        .then(
          (value) => {
            trace.result = value;
            return value;
          },
          (error: unknown) => {
            trace.error = error;
            channel.error.publish(trace);
            throw error;
          },
        )
        .finally(() => {
          channel.asyncStart.publish(trace);
          channel.asyncEnd.publish(trace);
        });
    } catch (error) {
      trace.error = error;
      channel.error.publish(trace);
      throw error;
    } finally {
      channel.end.publish(trace);
    }
  }

  /** Charges of 0 have told what is left. Only where that is too little is the wait asked for: what is refused costs nothing. */
  #look(plan: Plan, cost: number, asked: ChargeResult): Awaitable<RateResult> {
    if (asked.states.every(({ remaining }) => remaining >= cost)) return resultOf(plan, asked);
    const tried = this.#charge(plan);
    if (!isPending(tried)) return tried.allowed ? this.#untried(plan, cost, asked) : resultOf(plan, tried);
    return tried.then((result) => (result.allowed ? this.#untried(plan, cost, asked) : resultOf(plan, result)));
  }

  /** Room came free between the two questions. */
  #untried(plan: Plan, cost: number, asked: ChargeResult): Awaitable<RateResult> {
    const states = asked.states.map((state) => ({ ...state, remaining: Math.max(cost, state.remaining) }));
    const result = resultOf(plan, { allowed: true, states });
    const refunded = this.#refund(plan);
    return isPending(refunded) ? refunded.then(() => result) : result;
  }

  #judge(plan: Plan, cost: number, charged: ChargeResult): RateResult {
    if (cost > 0) {
      for (let index = 0; index < plan.scopes.length; index++) {
        const counter = this.#counters[plan.scopes[index] ?? -1];
        const state = charged.states[index];
        if (state !== undefined) counter?.count(charged.allowed, state.remaining, state.retryAfterMs);
      }
    }
    return resultOf(plan, charged);
  }

  #charge({ charges, scopes }: Plan): Awaitable<ChargeResult> {
    return this.#store === undefined
      ? this.#table.charge(charges, this.#clock.now(), scopes)
      : this.#store.charge(charges);
  }

  #refund({ charges, scopes }: Plan): Awaitable<void> {
    return this.#store === undefined
      ? this.#table.refund(charges, this.#clock.now(), scopes)
      : this.#store.refund(charges);
  }
}

function resultOf({ limits }: Plan, { allowed, states }: ChargeResult): RateResult {
  let at = 0;
  let told: ChargeState | undefined;
  for (let index = 0; index < states.length; index++) {
    const state = states[index];
    if (state === undefined) continue;
    const worse =
      told === undefined || (allowed ? state.remaining < told.remaining : state.retryAfterMs > told.retryAfterMs);
    if (!worse) continue;
    told = state;
    at = index;
  }
  if (told === undefined) return unlimited;
  return {
    allowed,
    limit: limits[at]?.name,
    remaining: Math.floor(told.remaining),
    retryAfterMs: told.retryAfterMs,
  };
}

function readCost(call: string, options: ConsumeOptions | undefined): number {
  if (options === undefined) return 1;
  for (const name in options) {
    if (name !== 'cost' && name !== 'signal') {
      throw new TypeError(`RateLimiter.${call}: unknown option ${JSON.stringify(name)}; it takes "cost", "signal"`);
    }
  }
  const cost: unknown = options.cost ?? 1;
  if (typeof cost !== 'number') throw new TypeError(`RateLimiter.${call}: option "cost" must be a number`);
  if (!(Number.isSafeInteger(cost) && cost >= 0)) {
    throw new RangeError(`RateLimiter.${call}: option "cost" must be a whole number ≥ 0, got ${cost}`);
  }
  options.signal?.throwIfAborted();
  return cost;
}

function within<T>(value: Awaitable<T>, signal: AbortSignal | undefined): Awaitable<T> {
  return signal === undefined || !isPending(value) ? value : abortable(value, signal);
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
