/**
 * How many connections, at once and per second, in total and per client? How many failed logins?
 *
 * @module
 */

export type { Closing, ConcurrencyLease, ConcurrencyLimit, ConcurrencyRefusal } from './concurrency-lease.ts';
export {
  type AcquireOptions,
  ConcurrencyLimiter,
  type ConcurrencyLimiterOptions,
  type ConcurrencyStats,
  type ConcurrencySubject,
} from './concurrency-limiter.ts';
export type { BanTarget, FailureBanOptions } from './failure-ban.ts';
export {
  type AllowedAttempt,
  type FailedAttempt,
  type FailureLimit,
  type FailureSubject,
  FailureThrottle,
  type FailureThrottleOptions,
  type RefusedAttempt,
} from './failure-throttle.ts';
export { LoadGauge, type LoadGaugeOptions } from './load-gauge.ts';
export type { BudgetName } from './rate-budgets.ts';
export type { RateKey, RateLimitOptions } from './rate-limit.ts';
export { type ConsumeOptions, RateLimiter, type RateLimiterOptions, type RateResult } from './rate-limiter.ts';
export {
  type PenaltyOptions,
  type RateLimitsCheck,
  type RateLimitsOptions,
  type RateLimitsStats,
  rateLimits,
} from './rate-limits-check.ts';
export type { RateStats } from './rate-stats.ts';
export type { RateSubject } from './rate-subject.ts';
export type { RateTrace } from './rate-tracing.ts';
export { Tarpit, type TarpitHold, type TarpitOptions } from './tarpit.ts';
