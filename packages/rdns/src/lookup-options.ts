import { isResolver, type OptionReader, type Resolver } from '@postern/core';

/** How the calls of this package look names up. */
export interface LookupOptions {
  /** Who asks DNS; core's `systemResolver()`, for instance. */
  readonly resolver: Resolver;
  /** Ends the wait at once: what is not known by then stays unknown. */
  readonly signal?: AbortSignal;
  /** Milliseconds for all lookups together. Default 5,000; from 1 to 600,000. */
  readonly timeoutMs?: number;
}

/** {@link LookupOptions} with their defaults. */
export interface Lookup {
  readonly resolver: Resolver;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** RFC 5321 §4.5.3.2: ten minutes are the longest that a client is asked to wait for a reply. */
const MAX_TIMEOUT_MS = 600_000;

export function readTimeoutMs(read: OptionReader): number {
  return read.integer('timeoutMs', DEFAULT_TIMEOUT_MS, { min: 1, max: MAX_TIMEOUT_MS });
}

export function readLookupOptions(read: OptionReader): Lookup {
  return {
    resolver: read.required('resolver', isResolver, 'a Resolver'),
    signal: read.signal('signal'),
    timeoutMs: readTimeoutMs(read),
  };
}
