import { channel } from 'node:diagnostics_channel';
import {
  type Clock,
  DeadlineResolver,
  errorText,
  isClock,
  isResolver,
  OptionReader,
  type Resolver,
  systemClock,
} from '@postern/core';
import { type CompiledZone, compileZones, isZoneList } from './compiled-zone.ts';
import type { DnsblZone } from './dnsbl-zone.ts';
import { probeZone } from './probe-zone.ts';
import type { ZoneHealth } from './zone-health.ts';
import { ZoneRecord } from './zone-record.ts';
import type { ZoneState, ZoneStateChange } from './zone-state.ts';

/** What a {@link ZoneMonitor} watches, and how. */
export interface ZoneMonitorOptions {
  /** The zones, as queries have them: each is probed at its test points. */
  readonly zones: readonly (string | DnsblZone)[];
  /** Who asks DNS: the resolver that queries use, since it is their way to the lists that is tested. */
  readonly resolver: Resolver;
  /** How often a zone that works is probed. Milliseconds, 1,000 to 86,400,000. Default 300,000: five minutes. */
  readonly intervalMs?: number;
  /**
   * How soon a zone is probed again that did not pass; doubled with every failure after the first `failuresToSetAside`, up
   * to `intervalMs`. Milliseconds, 100 to `intervalMs`. Default 10,000, or `intervalMs` if that is less.
   */
  readonly retryMs?: number;
  /** Milliseconds for one probe of one zone. From 1 to 600,000. Default 5,000. */
  readonly timeoutMs?: number;
  /** After how many probes in a row without an answer a zone is set aside. 1 to 100. Default 3. */
  readonly failuresToSetAside?: number;
  /** How many zones are probed at once. 1 to 1,000. Default 8. */
  readonly maxConcurrentProbes?: number;
  /** Called with every change of a zone's status. What it throws is a warning of the process and nothing else. */
  readonly onChange?: (change: ZoneStateChange) => unknown;
  /** For the times in states. Default: the system's. */
  readonly clock?: Clock;
  /** From 0 to 1, for the jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** How to wait for {@link ZoneMonitor.probe}. */
export interface ProbeOptions {
  /** Ends the wait at once; the probe itself goes on for those who wait for it too, until its deadline. */
  readonly signal?: AbortSignal;
}

/** One zone under watch. */
interface Watched {
  readonly zone: CompiledZone;
  readonly record: ZoneRecord;
  /** When it is to be probed next, in milliseconds of `performance.now()`; 0: as soon as anybody watches. */
  dueAt: number;
  /** When its last probe ended. */
  probedAt: number;
  /** How many answers all zones had given when it fell silent. */
  answersBefore: number;
  /** Queries without an answer since its last probe. */
  suspicions: number;
}

/** Every change is published on this channel of `node:diagnostics_channel`, as a `ZoneStateChange`. */
const STATE_CHANNEL = 'postern.dnsbl.zone-state';

/** Delays are longer or shorter by up to this share, so that the probes of many servers do not meet. */
const JITTER = 0.2;

/** Timers of Node and `performance.now()` may disagree by less than this. */
const TOLERANCE_MS = 1;

/** 2^20 times any `retryMs` is beyond any `intervalMs`. */
const MAX_DOUBLINGS = 20;

function isCallback(value: unknown): value is (change: ZoneStateChange) => unknown {
  return typeof value === 'function';
}

function isRandom(value: unknown): value is () => number {
  return typeof value === 'function';
}

/** Waits for `done`, or for the signal. */
async function untilAborted(done: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return done;
  let stop = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([done, aborted]);
  signal.removeEventListener('abort', stop);
}

/**
 * Watches DNS lists at their test points (RFC 5782 §5), and sets those aside that are not to be trusted at present: a list
 * that shut down and lists the whole world, one whose domain was sold, one that hangs. Queries that are given the monitor
 * do not ask a zone that is set aside: its result is `unknown` with the reason `set-aside`, neither listed nor clean.
 *
 * - A zone that lists what it must not, lacks what it must have, or answers with an error code is set aside at once; one
 *   that does not answer, after `failuresToSetAside` probes in a row. It is probed on, ever more seldom, and is back with
 *   the first probe that passes.
 * - When none of several zones answers, the resolver is what is down: nobody is set aside for it, and nobody comes back.
 *   A single zone cannot be told from its resolver.
 * - Queries without an answer only bring the next probe forward; probes alone decide, so that nobody who sends mail can
 *   have a zone set aside.
 * - Probes go past caches (`fresh`) and take no stale answers. They never overlap, and no timer keeps the process alive.
 *
 * A list that begins to list everything is believed until its next probe, and what a cache keeps of it lives on for its
 * TTL. Bounds: 16 queries a probe, one after the other, `maxConcurrentProbes` zones at once, at most one probe of a zone in
 * `retryMs` (give or take the jitter of 20 %).
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { dnsbl, spamcop, spamhausZen, ZoneMonitor } from '@postern/dnsbl';
 *
 * const zones = [spamhausZen, spamcop];
 * const monitor = new ZoneMonitor({
 *   zones,
 *   resolver: systemResolver(),
 *   onChange: ({ zone, to, state }) => console.log(zone, to, state.reason),
 * });
 * await monitor.probe();
 * monitor.start();
 * const check = dnsbl({ zones, monitor });
 * // and when the server stops:
 * monitor.stop();
 * ```
 */
export class ZoneMonitor implements ZoneHealth, Disposable {
  readonly #watched: ReadonlyMap<string, Watched>;
  /** Those that have test points: the others stay `unknown`. */
  readonly #probed: readonly Watched[];
  readonly #resolver: Resolver;
  readonly #intervalMs: number;
  readonly #retryMs: number;
  readonly #timeoutMs: number;
  readonly #failuresToSetAside: number;
  readonly #maxConcurrentProbes: number;
  readonly #onChange: ((change: ZoneStateChange) => unknown) | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  #running = false;
  #timer: NodeJS.Timeout | undefined;
  /** Ends the round that goes on when nobody watches any more. */
  #stopping = new AbortController();
  /** The round that goes on. */
  #round: Promise<void> | undefined;
  /** The round of all zones after it, that somebody waits for. */
  #nextRound: Promise<void> | undefined;
  /** How many probes were answered, by any zone: as long as it grows, the resolver works. */
  #answers = 0;

  /** @throws TypeError or RangeError that names the option, and never shows a query key */
  constructor(options: ZoneMonitorOptions) {
    const read = new OptionReader('ZoneMonitor', options);
    const zones = read.required('zones', isZoneList, 'a list of zones and zone names');
    this.#resolver = read.required('resolver', isResolver, 'a Resolver');
    this.#intervalMs = read.integer('intervalMs', 300_000, { min: 1_000, max: 86_400_000 });
    this.#retryMs = read.integer('retryMs', Math.min(10_000, this.#intervalMs), { min: 100, max: this.#intervalMs });
    this.#timeoutMs = read.integer('timeoutMs', 5_000, { min: 1, max: 600_000 });
    this.#failuresToSetAside = read.integer('failuresToSetAside', 3, { min: 1, max: 100 });
    this.#maxConcurrentProbes = read.integer('maxConcurrentProbes', 8, { min: 1, max: 1_000 });
    this.#onChange = read.value('onChange', isCallback, 'a function');
    this.#clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    this.#random = read.value('random', isRandom, 'a function that returns a number') ?? Math.random;
    read.done();

    const now = this.#clock.now();
    this.#watched = new Map(
      compileZones('ZoneMonitor', zones).map((zone) => {
        const record = new ZoneRecord(zone.name, this.#failuresToSetAside, now);
        return [zone.name, { zone, record, dueAt: 0, probedAt: 0, answersBefore: 0, suspicions: 0 }];
      }),
    );
    this.#probed = [...this.#watched.values()].filter(({ zone }) => zone.probes.length > 0);
  }

  /**
   * Probes all zones from now on, at once those that have not been probed yet. Does nothing if it does so already. Who must
   * not ask a list that lists everything even once awaits `probe()` before it.
   */
  start(): void {
    this.#running = true;
    this.#schedule();
  }

  /**
   * Ends it at once, the probes that go on included. No zone is set aside any more: all are `unknown`, since nobody would
   * find out that one is back. It can be started again.
   */
  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#stopping.abort();
    this.#stopping = new AbortController();
    this.#nextRound = undefined;
    const now = this.#clock.now();
    for (const watched of this.#watched.values()) {
      watched.dueAt = 0;
      this.#announce(watched.record.forget(now));
    }
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /**
   * Probes all zones once, now, or after the probes that go on: started or not. Never rejects because of DNS.
   *
   * @returns the states after it, or as they are when the signal fires
   * @throws TypeError (as a rejection) for options that are wrong
   */
  async probe(options?: ProbeOptions): Promise<readonly ZoneState[]> {
    const read = new OptionReader('ZoneMonitor.probe', options);
    const signal = read.signal('signal');
    read.done();
    if (signal?.aborted !== true) await untilAborted(this.#roundOfAll(), signal);
    return this.states();
  }

  /** What is known of each zone, in the order in which they were given. Without keys. */
  states(): readonly ZoneState[] {
    return [...this.#watched.values()].map(({ record }) => record.state);
  }

  /** Whether the zone is set aside at present; `false` for one that is not watched. */
  isAside(zone: string): boolean {
    return this.#watched.get(zone)?.record.state.status === 'aside';
  }

  /**
   * For queries: the zone gave no word that can be used. `failuresToSetAside` of them bring its next probe forward, at the
   * earliest `retryMs` after the last one.
   */
  suspect(zone: string): void {
    const watched = this.#watched.get(zone);
    if (watched === undefined || watched.record.state.status === 'aside') return;
    watched.suspicions++;
    if (watched.suspicions !== this.#failuresToSetAside) return;
    const earliest = Math.max(performance.now(), watched.probedAt + this.#retryMs);
    if (earliest >= watched.dueAt) return;
    watched.dueAt = earliest;
    this.#schedule();
  }

  #roundOfAll(): Promise<void> {
    if (this.#round === undefined) return this.#startRound(this.#probed);
    const { signal } = this.#stopping;
    // Whoever comes during a round is told of the one that begins after it.
    this.#nextRound ??= this.#round.then(() => {
      // Stopped: whoever came after that waits for a round of his own.
      if (signal.aborted) return undefined;
      this.#nextRound = undefined;
      return this.#roundOfAll();
    });
    return this.#nextRound;
  }

  /** Sets the timer for the zone that is due first. A round sets it when it ends. */
  #schedule(): void {
    if (!this.#running || this.#round !== undefined || this.#probed.length === 0) return;
    const next = Math.min(...this.#probed.map(({ dueAt }) => dueAt));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, next - performance.now())).unref();
  }

  #tick(): void {
    if (this.#round !== undefined) return;
    const latest = performance.now() + TOLERANCE_MS;
    void this.#startRound(this.#probed.filter(({ dueAt }) => dueAt <= latest));
  }

  #startRound(watched: readonly Watched[]): Promise<void> {
    this.#round = this.#probeAll(watched).then(() => {
      this.#round = undefined;
      this.#schedule();
    });
    return this.#round;
  }

  async #probeAll(watched: readonly Watched[]): Promise<void> {
    const { signal } = this.#stopping;
    // One iterator for all workers: each takes the next zone.
    const rest = watched.values();
    const work = async (): Promise<void> => {
      for (const each of rest) await this.#probeOne(each, signal);
    };
    await Promise.all(Array.from({ length: Math.min(this.#maxConcurrentProbes, watched.length) }, work));
  }

  async #probeOne(watched: Watched, signal: AbortSignal): Promise<void> {
    const { zone, record } = watched;
    if (record.silences === 0) watched.answersBefore = this.#answers;
    using dns = new DeadlineResolver(this.#resolver, { timeoutMs: this.#timeoutMs, signal });
    const outcome = await probeZone(zone, dns);
    if (signal.aborted) return;

    if (outcome.outcome !== 'silent') this.#answers++;
    // The zone was not asked, for a reason that is not its own; `too-many-at-once` is: those before have no answer yet.
    const limited = outcome.reason === 'over-budget';
    // What answered since it fell silent were others: its own answer would have ended the silence.
    const heardOthers = !limited && (this.#probed.length === 1 || this.#answers > watched.answersBefore);
    const change = record.probed(outcome, this.#clock.now(), heardOthers);
    watched.probedAt = performance.now();
    watched.dueAt = watched.probedAt + this.#delayMs(record.state.failures);
    watched.suspicions = 0;
    if (outcome.outcome === 'silent' && !heardOthers && !limited) this.#askOthers();
    this.#announce(change);
  }

  /** A zone fell silent, and nobody else has been asked since: whoever answered last time tells whose silence it is. */
  #askOthers(): void {
    const now = performance.now();
    for (const watched of this.#probed) {
      if (watched.record.state.failures > 0) continue;
      watched.dueAt = Math.min(watched.dueAt, Math.max(now, watched.probedAt + this.#retryMs));
    }
  }

  #delayMs(failures: number): number {
    const doublings = Math.min(MAX_DOUBLINGS, Math.max(0, failures - this.#failuresToSetAside));
    const delayMs = failures === 0 ? this.#intervalMs : Math.min(this.#intervalMs, this.#retryMs * 2 ** doublings);
    const random = this.#random();
    // Whatever a generator of the caller's gives: no delay of 0 ms, over and over.
    const share = random >= 0 && random <= 1 ? random * 2 - 1 : 0;
    return delayMs * (1 + JITTER * share);
  }

  #announce(change: ZoneStateChange | undefined): void {
    if (change === undefined) return;
    void this.#tell(change);
    channel(STATE_CHANNEL).publish(change);
  }

  /** Others' code: whether it throws or rejects, the monitor goes on. */
  async #tell(change: ZoneStateChange): Promise<void> {
    try {
      await this.#onChange?.(change);
    } catch (error) {
      process.emitWarning(`onChange of a ZoneMonitor failed and is ignored: ${errorText(error)}`, 'PosternWarning');
    }
  }
}
