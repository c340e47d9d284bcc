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
export { Tarpit, type TarpitHold, type TarpitOptions } from './tarpit.ts';
