import type { ZoneUnknownReason } from './zone-result.ts';

/**
 * Why a zone is set aside, or its last probe did not pass.
 *
 * - `lists-everything`: it lists what is never listed
 * - `test-point-missing`: it does not list what its operator keeps on it for tests
 * - else why its word is not known: `timeout`, `over-quota`, `rewritten`, …
 */
export type ZoneFault = 'lists-everything' | 'test-point-missing' | ZoneUnknownReason;

/**
 * What came of one probe of a zone, all its test points together.
 *
 * - `pass`: every one is as it must be
 * - `fault`: the zone answers, and not as it must: it is set aside at once
 * - `silent`: it does not answer, or the lookup fails on the way
 *
 * A type, not an interface: it is plain JSON.
 */
export type ZoneProbeOutcome = {
  readonly outcome: 'pass' | 'fault' | 'silent';
  /** `undefined` for `pass`. */
  readonly reason: ZoneFault | undefined;
  /** The test point that decided, such as `127.0.0.2`; `undefined` for `pass`. */
  readonly testPoint: string | undefined;
};

/** What a `ZoneMonitor` knows of a zone. Plain JSON, without the zone's key. */
export type ZoneState = {
  readonly zone: string;
  /**
   * `healthy`: its last decisive probe passed. `aside`: it is not asked, and what it would say is unknown. `unknown`: not
   * decided yet, or nobody watches; it is asked.
   */
  readonly status: 'healthy' | 'aside' | 'unknown';
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
  /** Why it is set aside, by its last probe; else `undefined`. */
  readonly reason: ZoneFault | undefined;
  /** Probes in a row that did not pass. */
  readonly failures: number;
  /** The last probe and when it ended; `undefined` before the first. */
  readonly lastProbe: (ZoneProbeOutcome & { readonly at: number }) | undefined;
};

/** A zone's status has changed: what `onChange` and the channel `postern.dnsbl.zone-state` are told. Plain JSON. */
export type ZoneStateChange = {
  readonly zone: string;
  /** What it was. */
  readonly from: ZoneState['status'];
  /** What it is now: never the same as `from`. */
  readonly to: ZoneState['status'];
  readonly state: ZoneState;
};
