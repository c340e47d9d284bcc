import { isResolver, type OptionReader, type Resolver } from '@postern/core';
import type { AskOptions } from './ask-zones.ts';
import { isZoneHealth, type ZoneHealth } from './zone-health.ts';

/** How long zones are asked, whichever they are. */
export interface AskingOptions {
  /**
   * Milliseconds for the whole query, TXT records included; zones that have not answered by then are `unknown` with the
   * reason `timeout`. Default 3,000: well below the time that SMTP servers give a command. From 1 to 600,000.
   */
  readonly timeoutMs?: number;
  /** Says which zones are set aside: a `ZoneMonitor`. Those are not asked, and `unknown`. Default: all are asked. */
  readonly monitor?: ZoneHealth;
}

/** What queries have in common. */
export interface QueryOptions extends AskingOptions {
  /**
   * End the query as soon as it is certain whether this score is reached and no allow zone speaks against it. Zones that
   * have not answered by then are `skipped` with the reason `stopped`, and texts that have not come are left out.
   *
   * - reached, and no allow zone can lift it any more: block zones are given up at once, allow zones are awaited
   * - out of reach even if all that are left list with their highest weight
   * - an allow zone lists
   *
   * > 0. Default: all zones are awaited.
   */
  readonly stopAtScore?: number;
  /** Who asks DNS; core's `systemResolver()`, for instance. */
  readonly resolver: Resolver;
  /** Ends the wait at once: zones that have not answered are `unknown` with the reason `aborted`. */
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 3_000;
/** RFC 5321 §4.5.3.2: ten minutes are the longest that a client is asked to wait for a reply. */
const MAX_TIMEOUT_MS = 600_000;

/** Whether it may be a threshold of a score. */
export function isScore(value: unknown): value is number {
  return typeof value === 'number' && value > 0;
}

export function readAskingOptions(read: OptionReader): Pick<AskOptions, 'timeoutMs' | 'health'> {
  const timeoutMs = read.integer('timeoutMs', DEFAULT_TIMEOUT_MS, { min: 1, max: MAX_TIMEOUT_MS });
  const health = read.value('monitor', isZoneHealth, 'a ZoneMonitor, or another ZoneHealth');
  return { timeoutMs, health };
}

export function readQueryOptions(read: OptionReader): AskOptions & { readonly signal: AbortSignal | undefined } {
  const resolver = read.required('resolver', isResolver, 'a Resolver');
  const signal = read.signal('signal');
  const stopAtScore = read.value('stopAtScore', isScore, 'a number > 0') ?? Number.POSITIVE_INFINITY;
  return { resolver, signal, stopAtScore, ...readAskingOptions(read) };
}
