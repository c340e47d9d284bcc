import type { ZoneProbeOutcome, ZoneState, ZoneStateChange } from './zone-state.ts';

/** One zone's state, and what a probe makes of it. Knows neither timers nor DNS. */
export class ZoneRecord {
  readonly #zone: string;
  readonly #failuresToSetAside: number;
  #state: ZoneState;
  #silences = 0;

  /** @param now - milliseconds since the epoch */
  constructor(zone: string, failuresToSetAside: number, now: number) {
    this.#zone = zone;
    this.#failuresToSetAside = failuresToSetAside;
    this.#state = Object.freeze({
      zone,
      status: 'unknown',
      since: now,
      reason: undefined,
      failures: 0,
      lastProbe: undefined,
    });
  }

  get state(): ZoneState {
    return this.#state;
  }

  /** Silent probes in a row that count, up to the last one; at least 1 if that was silent. */
  get silences(): number {
    return this.#silences;
  }

  /**
   * A probe ended: a pass makes the zone healthy, a fault sets it aside, and so do `failuresToSetAside` silences in a row.
   *
   * @param at - milliseconds since the epoch
   * @param heardOthers - whether anything else has answered since this zone fell silent: as long as nothing has, the silence
   *   may be the resolver's, and does not count
   */
  probed(outcome: ZoneProbeOutcome, at: number, heardOthers: boolean): ZoneStateChange | undefined {
    this.#silences = outcome.outcome !== 'silent' ? 0 : heardOthers ? this.#silences + 1 : 1;
    const failures = outcome.outcome === 'pass' ? 0 : this.#state.failures + 1;
    return this.#become(this.#statusAfter(outcome, heardOthers), at, Object.freeze({ ...outcome, at }), failures);
  }

  /** Nobody watches the zone any more, so nobody would find out that it is back. */
  forget(at: number): ZoneStateChange | undefined {
    this.#silences = 0;
    return this.#become('unknown', at, this.#state.lastProbe, 0);
  }

  #statusAfter({ outcome }: ZoneProbeOutcome, heardOthers: boolean): ZoneState['status'] {
    if (outcome === 'pass') return 'healthy';
    if (outcome === 'fault') return 'aside';
    return this.#silences >= this.#failuresToSetAside && heardOthers ? 'aside' : this.#state.status;
  }

  #become(
    status: ZoneState['status'],
    at: number,
    lastProbe: ZoneState['lastProbe'],
    failures: number,
  ): ZoneStateChange | undefined {
    const { status: from, since } = this.#state;
    const changes = status !== from;
    const reason = status === 'aside' ? lastProbe?.reason : undefined;
    this.#state = Object.freeze({ zone: this.#zone, status, since: changes ? at : since, reason, failures, lastProbe });
    return changes ? { zone: this.#zone, from, to: status, state: this.#state } : undefined;
  }
}
