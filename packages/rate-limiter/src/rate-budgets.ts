import type { Clock, OptionReader, Store } from '@postern/core';
import { inOption } from './option-part.ts';
import type { RateLimitOptions } from './rate-limit.ts';
import { RateLimiter, type RateLimiterOptions } from './rate-limiter.ts';
import type { RateStats } from './rate-stats.ts';
import { knownKeys } from './rate-subject.ts';

/** What is counted over time. */
export type BudgetName = 'connectionRate' | 'messages' | 'recipients' | 'bytes' | 'failedCommands' | 'failedRecipients';

/** The limits of each budget; all of a budget's must agree. */
export type BudgetLimits = Readonly<Record<BudgetName, readonly RateLimitOptions[]>>;

/** A limiter for each budget that has limits. */
export type Budgets = Readonly<Record<BudgetName, RateLimiter | undefined>>;

const MINUTE_MS = 60_000;

function perClient(count: number, minutes: number): readonly RateLimitOptions[] {
  return [{ name: 'client', per: 'client', count, perMs: minutes * MINUTE_MS }];
}

const defaults: BudgetLimits = {
  connectionRate: perClient(60, 1),
  messages: perClient(100, 1),
  recipients: perClient(1_000, 10),
  bytes: perClient(1024 ** 3, 60),
  failedCommands: perClient(30, 10),
  failedRecipients: perClient(100, 60),
};

function forEach<T>(make: (name: BudgetName) => T): Readonly<Record<BudgetName, T>> {
  return {
    connectionRate: make('connectionRate'),
    messages: make('messages'),
    recipients: make('recipients'),
    bytes: make('bytes'),
    failedCommands: make('failedCommands'),
    failedRecipients: make('failedRecipients'),
  };
}

/** @throws TypeError or RangeError that names the option */
export function readBudgets(owner: string, read: OptionReader): BudgetLimits {
  return forEach((name) => {
    const limits = read.value(name, isArray, 'an array of limits, empty for none') ?? defaults[name];
    if (limits.length > 0) inOption(owner, name, () => new RateLimiter({ limits }));
    for (const { per } of limits) {
      // A key that no session has would be a limit that never applies.
      if (typeof per === 'string' && per !== 'total' && !knownKeys.includes(per)) {
        read.refuse(name, `limits by ${knownKeys.join(', ')}, total or a function`);
      }
    }
    return limits;
  });
}

/** @param name - stands before every key in the store: what it knows of different checks stays apart */
export function makeBudgets(limits: BudgetLimits, name: string, store: Store | undefined, clock: Clock): Budgets {
  const home: Pick<RateLimiterOptions, 'store' | 'clock'> = store === undefined ? { clock } : { store };
  return forEach((budget) =>
    limits[budget].length === 0
      ? undefined
      : new RateLimiter({ limits: limits[budget], name: `${name}.${budget}`, ...home }),
  );
}

/** How the limits of each budget fared. */
export function budgetStats(budgets: Budgets): Readonly<Record<BudgetName, readonly RateStats[]>> {
  return forEach((name) => budgets[name]?.stats() ?? []);
}

function isArray(value: unknown): value is readonly RateLimitOptions[] {
  return Array.isArray(value);
}
