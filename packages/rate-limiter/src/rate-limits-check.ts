import {
  type Check,
  type Clock,
  isClock,
  isStore,
  MemoryStore,
  OptionReader,
  type Store,
  systemClock,
} from '@postern/core';
import { ConcurrencyLimiter, type ConcurrencyLimiterOptions, type ConcurrencyStats } from './concurrency-limiter.ts';
import { KnownClients } from './known-clients.ts';
import { LoadGauge, type LoadGaugeOptions } from './load-gauge.ts';
import { inOption } from './option-part.ts';
import { type BudgetName, budgetStats, makeBudgets, readBudgets } from './rate-budgets.ts';
import type { RateLimitOptions } from './rate-limit.ts';
import type { RateStats } from './rate-stats.ts';
import { type LimitHouse, type Penalty, SessionLimits } from './session-limits.ts';
import { Tarpit } from './tarpit.ts';

/** How clients that fail are held back. Durations are whole milliseconds. */
export interface PenaltyOptions {
  /** So many refusals in a session are free. From 0 to 10,000. Default 3. */
  readonly afterFailures?: number;
  /** Each further one holds its reply back by so much more. From 1 to 300,000. Default 1,000. */
  readonly delayMs?: number;
  /** The longest delay; the gateway's `maxDelayMs` bounds it too. From 1 to 300,000. Default 10,000. */
  readonly maxDelayMs?: number;
  /** The most clients that are held at once; beyond, nobody is. From 0 to 1,000,000. Default 100. */
  readonly maxHeld?: number;
}

/**
 * The limits of {@link rateLimits}. Each budget is a list of limits, all of which must agree; an empty list is none. Where
 * a limit counts by `client`, clients in trusted networks are not counted.
 */
export interface RateLimitsOptions {
  /** The check's name in reports, and before every key in the store. Default `rate-limits`. */
  readonly name?: string;
  /** Connections at once. Default: 1,000 in all, of which 20 are reserved for trusted clients, 20 per client, 100 per network. */
  readonly connections?: Pick<
    ConcurrencyLimiterOptions,
    'total' | 'perClient' | 'perNetwork' | 'reserved' | 'retryAfterMs' | 'leaseMs'
  >;
  /** Connections over time. Default 60 a minute for each client. */
  readonly connectionRate?: readonly RateLimitOptions[];
  /** MAIL commands. Default 100 a minute for each client. */
  readonly messages?: readonly RateLimitOptions[];
  /** RCPT commands. Default 1,000 in ten minutes for each client. */
  readonly recipients?: readonly RateLimitOptions[];
  /** Bytes of messages. Default 1,073,741,824 (1 GiB) an hour for each client. */
  readonly bytes?: readonly RateLimitOptions[];
  /** Commands that are unknown, malformed or out of order. Default 30 in ten minutes for each client. */
  readonly failedCommands?: readonly RateLimitOptions[];
  /** Recipients that are refused with 5yz. Default 100 an hour for each client. */
  readonly failedRecipients?: readonly RateLimitOptions[];
  /** Holds back replies to clients that fail. Default: nobody is held. */
  readonly penalty?: PenaltyOptions;
  /** Refuses strangers while the server has too much to do; `{}` for the defaults. Default: load is not watched. */
  readonly overload?: Omit<LoadGaugeOptions, 'clock'>;
  /** Several machines that count together. Default: the gateway's store. */
  readonly store?: Store;
  /** Default: the gateway's clock. */
  readonly clock?: Clock;
}

/** How the limits fared, for the operator. */
export interface RateLimitsStats {
  readonly connections: ConcurrencyStats;
  /** Of each budget its limits, in their order. */
  readonly budgets: Readonly<Record<BudgetName, readonly RateStats[]>>;
}

/** The check, and what it has counted. */
export interface RateLimitsCheck extends Check {
  /** `undefined` before the first session. */
  stats(): RateLimitsStats | undefined;
}

/**
 * Limits what each client may do, and all together, so that neither a flood nor a fault of one takes the server from the
 * others: connections at once and over time, messages, recipients and bytes, failed commands and failed recipients.
 *
 * - connections, failed commands and failed recipients: 421 4.7.0, which ends the session at once
 * - messages and bytes: 450 4.7.1; a message that can never fit: 552 5.3.4
 * - recipients: 452 4.5.3 for those that are too many
 * - strangers while the server is overloaded (`overload`): 421 4.3.2
 *
 * Every reply says when to come again, every finding (`rate-limiter/limited`, `rate-limiter/connections`, …) which limit
 * it was. Clients that are trusted or have logged in are given back what a transaction was charged that is deferred, by
 * whomever: who comes again as he was told pays once. Strangers pay each time, for they can see to it that they are
 * deferred. What was announced and never came costs nothing; what is rejected or given up stays charged.
 *
 * It is a local check: put it behind the check that knows trusted networks (`relayAcl`), and before everything that costs
 * more. Gateways with stores of their own need checks of their own.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { rateLimits } from '@postern/rate-limiter';
 *
 * const check = rateLimits({
 *   connections: { total: 500, perClient: 10, reserved: 20 },
 *   messages: [{ name: 'client', per: 'client', count: 30, perMs: 60_000 }],
 * });
 * ```
 */
export function rateLimits(options?: RateLimitsOptions): RateLimitsCheck {
  const read = new OptionReader('rateLimits', options);
  const name = read.text('name', 'rate-limits');
  if (!isName(name)) read.refuse('name', '1 to 64 letters, digits, hyphens and underscores');
  const connections = read.value('connections', isObject, 'an object');
  const limits = readBudgets('rateLimits', read);
  const penalty = read.value('penalty', isObject, 'an object');
  const overload = read.value('overload', isObject, 'an object');
  const store = read.value('store', isStore, 'a store');
  const clock = read.value('clock', isClock, 'an object with a function now()');
  read.done();

  const makeConnections = (shared?: Store): ConcurrencyLimiter =>
    inOption('rateLimits', 'connections', () => {
      const {
        total = 1_000,
        reserved = Math.floor(total / 50),
        ...rest
      }: ConcurrencyLimiterOptions = connections ?? {};
      const home = shared === undefined ? {} : { store: shared };
      return new ConcurrencyLimiter({ total, reserved, ...rest, ...home, name: `${name}.connections` });
    });
  const makeLoad = (time: Clock): LoadGauge | undefined =>
    overload && inOption('rateLimits', 'overload', () => new LoadGauge({ ...overload, clock: time }));
  // Once in vain: a mistake shows now, and not when mail arrives.
  makeConnections();
  makeLoad(systemClock);
  if (penalty !== undefined) readPenalty(penalty, systemClock);

  const open = (contextStore: Store, contextClock: Clock): LimitHouse => {
    const time = clock ?? contextClock;
    const all = store ?? contextStore;
    // In the memory of this process each limiter has a table of its own, that nobody else can fill.
    const shared = all instanceof MemoryStore ? undefined : all;
    const load = makeLoad(time);
    let sessions = 0;
    return {
      connections: makeConnections(shared),
      budgets: makeBudgets(limits, name, shared, time),
      load,
      known: new KnownClients(all, `${name}.`),
      penalty: penalty && readPenalty(penalty, time),
      entered: () => {
        sessions += 1;
      },
      left: () => {
        sessions -= 1;
        if (sessions === 0) load?.[Symbol.dispose]();
      },
    };
  };
  let house: LimitHouse | undefined;
  let home: Store | undefined;
  return {
    name,
    cost: 'local',
    stats: () => house && { connections: house.connections.stats(), budgets: budgetStats(house.budgets) },
    start(session, context) {
      home ??= context.store;
      if (store === undefined && context.store !== home) {
        throw new TypeError('rateLimits: gateways with stores of their own need checks of their own');
      }
      house ??= open(context.store, context.clock);
      return new SessionLimits(house, session);
    },
  };
}

function readPenalty(options: object, clock: Clock): Penalty {
  const read = new OptionReader('rateLimits penalty', options);
  const afterFailures = read.integer('afterFailures', 3, { min: 0, max: 10_000 });
  const delayMs = read.integer('delayMs', 1_000, { min: 1, max: 300_000 });
  const maxDelayMs = read.integer('maxDelayMs', 10_000, { min: 1, max: 300_000 });
  const maxHeld = read.integer('maxHeld', 100, { min: 0, max: 1_000_000 });
  read.done();
  return { afterFailures, delayMs, tarpit: new Tarpit({ maxDelayMs, maxHeld, clock }) };
}

/** It stands in the keys of the store, before a dot. */
function isName(name: string): boolean {
  return /^[\w-]{1,64}$/.test(name);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
