import {
  type Charge,
  type Clock,
  clientKey,
  type IpAddress,
  isClock,
  isStore,
  MemoryStore,
  OptionReader,
  parseIp,
  type Store,
  systemClock,
} from '@postern/core';
import { accountKey } from './account-name.ts';
import { FailureBan, type FailureBanOptions } from './failure-ban.ts';
import { type DelayScale, FailureCount } from './failure-count.ts';
import { FirstFailure } from './first-failure.ts';

/** How failures are counted. Durations are whole milliseconds. */
export interface FailureThrottleOptions {
  /** Failures of one client (IPv4 address or IPv6 /64) before the first delay. From 1 to 10,000. Default 20. */
  readonly clientFailures?: number;
  /** Failures at one account, whoever tries, before the first delay. From 1 to 10,000. Default 20. */
  readonly accountFailures?: number;
  /** Failures of one client at one account before the first delay. From 1 to 10,000. Default 10. */
  readonly pairFailures?: number;
  /** The first delay; each further failure doubles it. From 1 to 3,600,000. Default 1,000. */
  readonly baseDelayMs?: number;
  /** The longest delay. From `baseDelayMs` to 86,400,000. Default 900,000: a quarter of an hour. */
  readonly maxDelayMs?: number;
  /** In this time one failure is forgotten. From 1,000 to 2,592,000,000. Default 600,000: ten minutes. */
  readonly decayMs?: number;
  /**
   * For so long a client that has logged in to an account is exempt from that account's throttle. From 0 (never) to
   * 31,536,000,000. Default 2,592,000,000: 30 days.
   */
  readonly rememberMs?: number;
  /** Hands clients that fail again and again over to a list. Default: nobody is banned. */
  readonly ban?: FailureBanOptions;
  /** Several machines that count together. Default: a `MemoryStore`. */
  readonly store?: Store;
  /** Default: the system's. With a shared store only for how long a ban lasts: the store has its own. */
  readonly clock?: Clock;
  /** Stands before every key in the store. Default `failures`. */
  readonly name?: string;
}

/** Who tries what. */
export interface FailureSubject {
  /** The client's address. Text that is none is a client of that name, which cannot be banned. */
  readonly client: string | IpAddress;
  /** The account that it wants, as sent, of any length. `undefined`: bad commands and the like, which have none. */
  readonly user?: string | undefined;
  /** In a trusted network: neither counted as a client nor banned, so that one bad password in an office locks out nobody else. */
  readonly trusted?: boolean;
}

/** Whose failures were too many: the client's, those at the account, or those of this client at this account. */
export type FailureLimit = 'client' | 'account' | 'pair';

/** The attempt may be made. Exactly one of the three calls says what became of it; without any, it counts as failed. */
export interface AllowedAttempt {
  readonly allowed: true;
  /** It failed. What it cost stays charged. */
  fail(): Promise<FailedAttempt>;
  /** It succeeded: what it cost is given back, and the client is exempt from the account's throttle from now on. */
  succeed(): Promise<void>;
  /** Nobody knows, the directory of users is down for instance: what it cost is given back, and nothing remembered. */
  cancel(): Promise<void>;
}

/** The attempt is not to be made: not even a right password is to be looked at. */
export interface RefusedAttempt {
  readonly allowed: false;
  readonly reason: FailureLimit | 'aborted';
  /** Milliseconds until the next attempt may be made. */
  readonly retryAfterMs: number;
  /** This very attempt got the client banned. */
  readonly banned: boolean;
}

/** What follows from a failure. */
export interface FailedAttempt {
  /** Milliseconds until the next attempt may be made; 0: at once. */
  readonly retryAfterMs: number;
  /** This very failure got the client banned. */
  readonly banned: boolean;
}

/** So often an attempt asks again when others were faster. */
const TRIES = 4;

interface Counted {
  readonly limit: FailureLimit;
  /** Whose attempts it counts: an account counts those of clean clients apart from all others'. Default everyone's. */
  readonly of?: 'clean' | 'others';
  readonly count: FailureCount;
}

interface Subject {
  readonly ip: IpAddress | undefined;
  readonly trusted: boolean;
  readonly counted: readonly Counted[];
  /** Of this client at this account. */
  readonly firstFailure: FirstFailure | undefined;
  /** Under which it is remembered that this client has logged in to this account. */
  readonly known: string | undefined;
}

/**
 * Slows down whoever guesses: by client, by account, and by the pair of both, with delays that double from failure to
 * failure and are forgotten again.
 *
 * - **An attempt is paid for before it is made**, and gets its money back when it succeeds. Guesses that are made at once,
 *   over as many connections and machines as there may be, do not slip through before the first failure is known.
 * - **The owner gets in while his account is attacked**: a client that has logged in to an account in the last 30 days is
 *   exempt from what others did there. What it fails itself counts. So does the owner at a clean address, one that has
 *   failed at no account of late and not at this one for a day: an account counts first attempts of such clients apart
 *   from all others'. To shut that door as well takes more than `accountFailures` clean addresses, each of them good for one
 *   attempt a day; the owner at a new address then shares with them, one attempt each `maxDelayMs` at worst.
 * - **Nobody is locked out for ever**: no delay is longer than `maxDelayMs`, and a failure is forgotten in `decayMs`.
 * - **Memory is bounded** by the store, and a user name of a megabyte costs no more there than one of ten characters.
 * - **While a shared store cannot be asked**, this process counts by itself.
 *
 * @example
 * ```ts
 * import { FailureThrottle } from '@postern/rate-limiter';
 *
 * const throttle = new FailureThrottle();
 * const attempt = await throttle.check({ client: '192.0.2.1', user: 'ann' });
 * if (!attempt.allowed) console.log(`454 4.7.0 Try again in ${Math.ceil(attempt.retryAfterMs / 1_000)} seconds`);
 * else if (password === 'right') await attempt.succeed();
 * else await attempt.fail();
 * ```
 */
export class FailureThrottle {
  readonly #scales: Readonly<Record<FailureLimit, DelayScale>>;
  readonly #baseDelayMs: number;
  readonly #rememberMs: number;
  readonly #ban: FailureBan | undefined;
  readonly #store: Store;
  /** For as long as the store cannot be asked. */
  readonly #local: Store;
  readonly #prefix: string;

  /** @throws TypeError or RangeError that names the option */
  constructor(options?: FailureThrottleOptions) {
    const read = new OptionReader('FailureThrottle', options);
    const free = (name: string, byDefault: number): number => read.integer(name, byDefault, { min: 1, max: 10_000 });
    const frees = {
      client: free('clientFailures', 20),
      account: free('accountFailures', 20),
      pair: free('pairFailures', 10),
    };
    this.#baseDelayMs = read.integer('baseDelayMs', 1_000, { min: 1, max: 3_600_000 });
    const baseDelayMs = this.#baseDelayMs;
    const maxDelayMs = read.integer('maxDelayMs', Math.max(900_000, baseDelayMs), {
      min: baseDelayMs,
      max: 86_400_000,
    });
    const decayMs = read.integer('decayMs', 600_000, { min: 1_000, max: 2_592_000_000 });
    this.#rememberMs = read.integer('rememberMs', 2_592_000_000, { min: 0, max: 31_536_000_000 });
    const clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    this.#local = new MemoryStore({ clock });
    this.#store = read.value('store', isStore, 'a store') ?? this.#local;
    this.#prefix = `${read.text('name', 'failures')}:`;
    const ban = read.value('ban', isObject, 'an object');
    read.done();
    this.#ban = ban === undefined ? undefined : new FailureBan('FailureThrottle', ban, this.#prefix, clock);
    const scale = (limit: FailureLimit): DelayScale => ({
      free: frees[limit],
      baseDelayMs,
      maxDelayMs,
      decayMs,
    });
    this.#scales = { client: scale('client'), account: scale('account'), pair: scale('pair') };
  }

  /** Whether an attempt may be made now. It is paid for when it may. Never rejects. */
  async check(
    subject: FailureSubject,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<AllowedAttempt | RefusedAttempt> {
    if (signal?.aborted) return ABORTED;
    const judged = this.#judge(this.#subjectOf(subject));
    if (signal === undefined) return judged;
    return new Promise((resolve) => {
      const onAbort = (): void => resolve(ABORTED);
      signal.addEventListener('abort', onAbort, { once: true });
      void judged.then((attempt) => {
        signal.removeEventListener('abort', onAbort);
        if (signal.aborted && attempt.allowed) void attempt.cancel();
        resolve(attempt);
      });
    });
  }

  async #judge(subject: Subject): Promise<AllowedAttempt | RefusedAttempt> {
    try {
      return await this.#judgeBy(this.#store, subject);
    } catch {
      return this.#judgeBy(this.#local, subject);
    }
  }

  async #judgeBy(store: Store, subject: Subject): Promise<AllowedAttempt | RefusedAttempt> {
    const { known, counted, firstFailure } = subject;
    const isKnown = known !== undefined && (await store.recall([known]))[0] !== undefined;
    const questions = counted.map(({ count }) => count.question);
    if (firstFailure !== undefined) questions.push(firstFailure.question);
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { states } = await store.charge(questions);
      const failures = counted.map(({ count }, index) => count.failuresOf(states[index]?.remaining ?? 0));
      const hasFailed = counted.some(({ of }, index) => of === undefined && failures[index] !== 0);
      const isClean = !isKnown && !hasFailed && firstFailure?.isClean(states[counted.length]) === true;
      const kind = isClean ? 'clean' : 'others';
      let delayMs = 0;
      const priced = counted.flatMap(({ limit, of, count }, index) => {
        if (of !== undefined && (isKnown || of !== kind)) return [];
        const before = failures[index] ?? 0;
        delayMs = Math.max(delayMs, count.delayAfter(before));
        return count.chargesFor(before).map((charge) => ({ limit, charge }));
      });
      const charges = priced.map(({ charge }) => charge);
      if (isClean) charges.push(firstFailure.attempt);
      const result = await store.charge(charges);
      if (result.allowed) {
        if (!isClean || firstFailure.wasFirst(result.states.at(-1))) {
          return this.#attempt(store, subject, charges, delayMs);
        }
        await store.refund(charges);
        continue;
      }
      let reason: FailureLimit | undefined;
      let retryAfterMs = 0;
      for (const [index, { limit, charge }] of priced.entries()) {
        const wait = result.states[index]?.retryAfterMs ?? 0;
        if (!charge.key.endsWith(':gate') || wait <= retryAfterMs) continue;
        reason = limit;
        retryAfterMs = wait;
      }
      if (reason !== undefined) return this.#refuse(store, subject, reason, retryAfterMs);
    }
    return this.#refuse(store, subject, counted[0]?.limit ?? 'client', this.#baseDelayMs);
  }

  async #refuse(store: Store, subject: Subject, reason: FailureLimit, retryAfterMs: number): Promise<RefusedAttempt> {
    return { allowed: false, reason, retryAfterMs, banned: await this.#countForBan(store, subject) };
  }

  #attempt(store: Store, subject: Subject, charges: readonly Charge[], retryAfterMs: number): AllowedAttempt {
    let settled = false;
    const once = async <T>(action: () => Promise<T>, otherwise: T): Promise<T> => {
      if (settled) return otherwise;
      settled = true;
      try {
        return await action();
      } catch {
        // The store went away: what was charged stays, and is forgotten in its time.
        return otherwise;
      }
    };
    return {
      allowed: true,
      fail: () =>
        once(async () => ({ retryAfterMs, banned: await this.#countForBan(store, subject) }), {
          retryAfterMs,
          banned: false,
        }),
      cancel: () => once(async () => store.refund(charges), undefined),
      succeed: () =>
        once(async () => {
          await store.refund(charges);
          // What others failed at the account, and the client elsewhere, stays: an attacker has an account of his own.
          const pair = subject.counted.find(({ limit }) => limit === 'pair');
          if (pair !== undefined) await store.reset(pair.count.keys);
          if (subject.known !== undefined && this.#rememberMs > 0) {
            await store.remember(subject.known, new Uint8Array([1]), this.#rememberMs);
          }
        }, undefined),
    };
  }

  async #countForBan(store: Store, { ip, trusted }: Subject): Promise<boolean> {
    if (this.#ban === undefined || ip === undefined || trusted) return false;
    try {
      return await this.#ban.count(ip, store);
    } catch {
      return false;
    }
  }

  #subjectOf({ client, user, trusted = false }: FailureSubject): Subject {
    const ip = typeof client === 'string' ? parseIp(client) : client;
    const who = ip === undefined ? `name:${accountKey(String(client))}` : clientKey(ip);
    const counted: Counted[] = [];
    const countOf = (limit: FailureLimit, key: string): FailureCount =>
      new FailureCount(`${this.#prefix}${limit}:${key}`, this.#scales[limit]);
    if (!trusted) counted.push({ limit: 'client', count: countOf('client', who) });
    if (user === undefined) return { ip, trusted, counted, firstFailure: undefined, known: undefined };
    const account = accountKey(user);
    const pair = `${account}:${who}`;
    counted.push(
      { limit: 'account', of: 'clean', count: countOf('account', `${account}:clean`) },
      { limit: 'account', of: 'others', count: countOf('account', account) },
      { limit: 'pair', count: countOf('pair', pair) },
    );
    const firstFailure = new FirstFailure(`${this.#prefix}first:${pair}`);
    return { ip, trusted, counted, firstFailure, known: `${this.#prefix}known:${pair}` };
  }
}

const ABORTED: RefusedAttempt = { allowed: false, reason: 'aborted', retryAfterMs: 0, banned: false };

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
