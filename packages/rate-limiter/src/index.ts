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
