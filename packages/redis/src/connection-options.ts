import { type Clock, isClock, type OptionReader } from '@postern/core';

/** How Redis is asked: of `RedisStore`, `RedisCache` and `SharedBans`. */
export interface RedisOptions {
  /** Begins every key and channel. 1 to 64 characters, without braces. Default `'postern'`. */
  readonly prefix?: string;
  /** How long an answer of Redis is waited for, in milliseconds: 1 to 60,000. Default 50. */
  readonly timeoutMs?: number;
  /**
   * The most commands that may wait in the client, those included whose time was up: 1 to 1,000,000. Beyond that nothing is
   * sent. Default 1,000.
   */
  readonly maxInFlight?: number;
  /** How often a Redis that did not answer is tried again, in milliseconds: 10 to 600,000. Default 500. */
  readonly probeMs?: number;
}

/** The same, with every default filled in. */
export interface ConnectionOptions {
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly maxInFlight: number;
  readonly probeMs: number;
}

export function readConnectionOptions(read: OptionReader): ConnectionOptions {
  const prefix = read.text('prefix', 'postern');
  if (prefix.length < 1 || prefix.length > 64 || prefix.includes('{') || prefix.includes('}')) {
    read.refuse('prefix', '1 to 64 characters without braces');
  }
  return {
    prefix,
    timeoutMs: read.integer('timeoutMs', 50, { min: 1, max: 60_000 }),
    maxInFlight: read.integer('maxInFlight', 1_000, { min: 1, max: 1_000_000 }),
    probeMs: read.integer('probeMs', 500, { min: 10, max: 600_000 }),
  };
}

export function readClock(read: OptionReader): Clock | undefined {
  return read.value('clock', isClock, 'an object with a function now()');
}
