import { type Clock, isClock, isResolver, type OptionReader, type Resolver, systemClock } from '@postern/core';
import { type DkimKeyCache, isDkimKeyCache, sharedKeys } from './dkim-key-cache.ts';

/** How to verify. */
export interface DkimVerifierOptions {
  /** Who asks DNS for the keys; core's `systemResolver()`, for instance. */
  readonly resolver: Resolver;
  /** Ends the waiting at once: what is not known by then is `temperror`. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for all keys together, from the end of the header on. Default 5,000; from 1 to 600,000. */
  readonly timeoutMs?: number;
  /**
   * So many signatures are looked at; the others are reported as `skipped`. Those of the domain in `From`, or of one above
   * or below it, come first, from both ends of the header in turn. Default 10; from 1 to 100.
   */
  readonly maxSignatures?: number;
  /**
   * What becomes of a signature that holds for the first bytes of the body only (`l=`), when there are more. Anybody can
   * have added those, a whole other message for instance. `refuse`: `policy`; `accept`: `pass`, and `unsignedBytes` says
   * how many there are. Default `refuse`.
   */
  readonly bodyLength?: 'refuse' | 'accept';
  /** So far the clocks of signer and verifier may differ, for `t=` and `x=`. Default 300,000 (5 minutes). */
  readonly clockSkewMs?: number;
  /** What `t=` and `x=` go by. Default: the machine's. */
  readonly clock?: Clock;
  /** Keys that are ready for use. Default: one cache of 1,000 keys for the process. */
  readonly keys?: DkimKeyCache;
}

/** RFC 5321 §4.5.3.2: ten minutes are the longest that a client is asked to wait for a reply. */
const MAX_TIMEOUT_MS = 600_000;

/** {@link DkimVerifierOptions}, read, with their defaults. */
export class VerifierSettings {
  readonly resolver: Resolver;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly maxSignatures: number;
  readonly bodyLength: 'refuse' | 'accept';
  readonly clockSkewMs: number;
  readonly clock: Clock;
  readonly keys: DkimKeyCache;

  /** The caller calls `done`. */
  constructor(read: OptionReader) {
    this.resolver = read.required('resolver', isResolver, 'a Resolver');
    this.signal = read.signal('signal');
    this.timeoutMs = read.integer('timeoutMs', 5_000, { min: 1, max: MAX_TIMEOUT_MS });
    this.maxSignatures = read.integer('maxSignatures', 10, { min: 1, max: 100 });
    this.bodyLength = read.oneOf('bodyLength', ['refuse', 'accept'], 'refuse');
    this.clockSkewMs = read.integer('clockSkewMs', 300_000, { min: 0 });
    this.clock = read.value('clock', isClock, 'a clock') ?? systemClock;
    this.keys = read.value('keys', isDkimKeyCache, 'a DkimKeyCache') ?? sharedKeys();
  }
}
