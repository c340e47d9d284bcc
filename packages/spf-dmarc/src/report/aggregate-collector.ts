import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  abortable,
  type Clock,
  errorText,
  isClock,
  isStore,
  OptionReader,
  type Store,
  systemClock,
} from '@postern/core';
import { abortableStore, type ReportStore } from './abortable-store.ts';
import type { AggregateRecord } from './aggregate-record.ts';
import { type CollectedBounds, CollectedDay, CollectedSize } from './collected-day.ts';
import { decodeNames, encodeDomain, encodeIndex, encodeNames } from './collected-value.ts';
import { dayBounds, type ReportDay, reportDay } from './report-day.ts';
import { ReportKeys } from './report-keys.ts';

/** Of an `AggregateCollector`. */
export interface AggregateCollectorOptions {
  /** Where the counts are kept: shared by all machines that receive mail, and by the one that sends reports. */
  readonly store: Store;
  /** What its keys in the store begin with. Default `dmarc-reports`. */
  readonly prefix?: string;
  /** Every so many milliseconds, what is new is written to the store; a crash loses no more. Default 300,000 (5 min). */
  readonly flushMs?: number;
  /** How long the store keeps a day after its end, in milliseconds. Default 345,600,000 (4 days). */
  readonly keepMs?: number;
  /** The most policy domains in memory. Default 10,000. */
  readonly maxDomains?: number;
  /** The most rows in memory. Default 50,000. */
  readonly maxRows?: number;
  /** The most rows of one policy domain. Default 5,000. */
  readonly maxRowsPerDomain?: number;
  /** About the most bytes of memory. In the store the same takes a tenth of it. Default 33,554,432 (32 MiB). */
  readonly maxBytes?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** What became of a {@link AggregateCollector.flush}. */
export type FlushResult =
  | { readonly ok: true; readonly written: number }
  /** What was not written is tried again the next time. `detail`: one sentence for a person. */
  | { readonly ok: false; readonly written: number; readonly detail: string };

/** What a collector holds in memory. */
export interface CollectorStats {
  readonly domains: number;
  readonly rows: number;
  readonly bytes: number;
  /** Messages since it was made for which there was no room. The reports say so as well. */
  readonly dropped: number;
}

/** Each process that receives mail is one; the restarts of a day count as well. */
const MAX_COLLECTORS = 1_000;
const LEASE_MS = 10_000;
/** Together longer than a lease: one that crashed while it wrote the list keeps nobody out. */
const REGISTER_ATTEMPTS = 150;
const REGISTER_WAIT_MS = 100;
/**
 * So long after its end a day is written again with each flush: a store that lost what it was given, as one in Redis that
 * was away, has it then.
 */
const SETTLE_MS = 900_000;
const DAY_MS = 86_400_000;

/**
 * Counts evaluated messages for aggregate reports (RFC 9990), equal ones together, by policy domain and day in UTC.
 *
 * `record` counts in memory and takes some microseconds; every five minutes, what is new goes to the store. There each
 * collector has values of its own, so that any number of machines count the same day without waiting for each other,
 * and {@link sendDueReports} adds them up. A `MemoryStore` serves one process; what is to outlast it needs a store that
 * does, such as `RedisStore`.
 *
 * Bounded in domains, rows and bytes. What finds no room is counted, and the reports say how many messages they lack.
 *
 * @example
 * ```ts
 * import { MemoryStore } from '@postern/core';
 * import { AggregateCollector, aggregateRecord } from '@postern/spf-dmarc/reports';
 *
 * const collector = new AggregateCollector({ store: new MemoryStore() });
 * const record = aggregateRecord({ ip: client.ip, dmarc, mailFrom });
 * if (record !== undefined) collector.record(record);
 * // … before the process ends:
 * await collector.close();
 * ```
 */
export class AggregateCollector {
  readonly #id = randomUUID();
  readonly #store: Store;
  readonly #prefix: string;
  readonly #flushMs: number;
  readonly #keepMs: number;
  readonly #clock: Clock;
  readonly #bounds: CollectedBounds;
  readonly #size = new CollectedSize();
  readonly #days = new Map<ReportDay, CollectedDay>();
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<FlushResult> | undefined;
  #closed = false;

  /** @throws TypeError or RangeError that names the option */
  constructor(options: AggregateCollectorOptions) {
    const read = new OptionReader('AggregateCollector', options);
    this.#store = read.required('store', isStore, 'a Store');
    this.#prefix = read.text('prefix', 'dmarc-reports');
    this.#flushMs = read.integer('flushMs', 300_000, { min: 1, max: 2 ** 31 - 1 });
    this.#keepMs = read.integer('keepMs', 4 * DAY_MS, { min: DAY_MS });
    this.#bounds = {
      maxDomains: read.integer('maxDomains', 10_000, { min: 1 }),
      maxRows: read.integer('maxRows', 50_000, { min: 1 }),
      maxRowsPerDomain: read.integer('maxRowsPerDomain', 5_000, { min: 1 }),
      maxBytes: read.integer('maxBytes', 33_554_432, { min: 1 }),
    };
    this.#clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    read.done();
  }

  /** Counts one message. `false`: there was no room for it, or the collector is closed; that is counted too. */
  record(record: AggregateRecord): boolean {
    if (record.rua.length === 0) return true;
    const now = this.#clock.now();
    const counted = !this.#closed && this.#day(reportDay(now)).add(record, now);
    if (!counted) this.#dropped++;
    if (!this.#closed) this.#timer ??= this.#startTimer();
    return counted;
  }

  /** What it holds now. */
  get stats(): CollectorStats {
    const { domains, rows, bytes } = this.#size;
    return { domains, rows, bytes, dropped: this.#dropped };
  }

  /**
   * Writes what is new to the store. One that runs already is waited for, and then the rest is written. Never rejects.
   *
   * @param signal - gives up at once; what was not written comes with the next flush
   */
  async flush(signal?: AbortSignal): Promise<FlushResult> {
    try {
      while (this.#flushing !== undefined) await abortable(this.#flushing, signal);
    } catch (error) {
      return { ok: false, written: 0, detail: `The flush before this one did not end: ${errorText(error)}` };
    }
    this.#flushing = this.#writeAll(abortableStore(this.#store, signal), signal);
    try {
      return await this.#flushing;
    } finally {
      this.#flushing = undefined;
    }
  }

  /** Writes what is new and counts no more. To be called before the process ends. */
  close(signal?: AbortSignal): Promise<FlushResult> {
    this.#closed = true;
    clearInterval(this.#timer);
    return this.flush(signal);
  }

  #startTimer(): NodeJS.Timeout {
    const timer = setInterval(() => {
      // One that the store keeps waiting is not waited for by a queue of others.
      if (this.#flushing === undefined) void this.flush();
    }, this.#flushMs);
    return timer.unref();
  }

  #day(name: ReportDay): CollectedDay {
    let day = this.#days.get(name);
    if (day === undefined) {
      day = new CollectedDay(this.#bounds, this.#size);
      this.#days.set(name, day);
    }
    return day;
  }

  async #writeAll(store: ReportStore, signal: AbortSignal | undefined): Promise<FlushResult> {
    let written = 0;
    let detail: string | undefined;
    for (const [name, day] of this.#days) {
      const now = this.#clock.now();
      const { end } = dayBounds(name);
      const ttlMs = end + this.#keepMs - now;
      if (ttlMs <= 0) {
        this.#drop(name, day);
        continue;
      }
      if (now >= end) day.repeat();
      try {
        written += await this.#write(store, name, day, ttlMs, signal);
        if (now >= end + SETTLE_MS) this.#drop(name, day);
      } catch (error) {
        detail = `The counts of ${name} were not written: ${errorText(error)}`;
      }
    }
    return detail === undefined ? { ok: true, written } : { ok: false, written, detail };
  }

  #drop(name: ReportDay, day: CollectedDay): void {
    this.#dropped += day.drop();
    this.#days.delete(name);
  }

  async #write(
    store: ReportStore,
    name: ReportDay,
    day: CollectedDay,
    ttlMs: number,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    if (!day.changed) return 0;
    const keys = new ReportKeys(this.#prefix, name);
    await this.#register(store, keys, ttlMs, signal);
    // What is counted from here on, while the store is being asked, comes with the next flush if not with this one.
    day.settled();
    let written = 0;
    for (const [domain, counts] of day.changes()) {
      try {
        signal?.throwIfAborted();
        await store.remember(keys.domain(this.#id, domain), encodeDomain(counts), ttlMs);
        written++;
      } catch (error) {
        day.failed(domain);
        throw error;
      }
    }
    try {
      await store.remember(keys.index(this.#id), encodeIndex(day.index), ttlMs);
    } catch (error) {
      day.repeat();
      throw error;
    }
    return written;
  }

  /** Puts this collector on the list of those that have something of the day. */
  async #register(store: ReportStore, keys: ReportKeys, ttlMs: number, signal: AbortSignal | undefined): Promise<void> {
    const key = keys.collectors;
    if (decodeNames((await store.recall([key]))[0]).includes(this.#id)) return;
    for (let attempt = 0; attempt < REGISTER_ATTEMPTS; attempt++) {
      const held = await store.acquire([{ key, limit: 1 }], LEASE_MS);
      if (!held.granted) {
        await wait(REGISTER_WAIT_MS, undefined, { signal });
        continue;
      }
      try {
        const known = decodeNames((await store.recall([key]))[0]);
        if (known.length >= MAX_COLLECTORS) throw new Error(`there are ${MAX_COLLECTORS} collectors already`);
        await store.remember(key, encodeNames([...known, this.#id]), ttlMs);
        return;
      } finally {
        await store.release(held.lease);
      }
    }
    throw new Error('the list of collectors was in use all the time');
  }
}
