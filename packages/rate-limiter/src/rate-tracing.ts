import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { RateResult } from './rate-limiter.ts';
import type { RateSubject } from './rate-subject.ts';

/** What subscribers of the tracing channel `postern.rate-limiter.consume` learn of one call. */
export interface RateTrace {
  /** As it was given. */
  readonly subject: string | RateSubject;
  readonly cost: number;
  /** Once it is there. */
  result?: RateResult;
  /** Why the store could not be asked. */
  error?: unknown;
}

/**
 * The channel `postern.rate-limiter.consume`: `start` and `end` of each call, `asyncStart` and `asyncEnd` when a store
 * answered later, `error` when it could not be asked.
 */
export function consumeChannel(): TracingChannel<unknown, RateTrace> {
  return tracingChannel<unknown, RateTrace>('postern.rate-limiter.consume');
}
