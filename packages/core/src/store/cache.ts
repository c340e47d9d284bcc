import type { Awaitable } from '../awaitable.ts';

/**
 * Bytes by name for a while: the second level behind a cache in memory (Redis, for instance), shared by several machines.
 * An implementation that cannot be asked answers `undefined`; it never makes its caller wait longer than its own time-out.
 */
export interface Cache {
  get(key: string): Awaitable<Uint8Array | undefined>;
  /** @param ttlMs - milliseconds after which the value is gone; > 0 */
  set(key: string, value: Uint8Array, ttlMs: number): Awaitable<void>;
  delete(key: string): Awaitable<void>;
}
