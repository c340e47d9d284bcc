import { type Clock, isClock, isResolver, OptionReader, type Resolver, systemClock } from '@postern/core';
import type { AggregateFile } from './aggregate-mail.ts';
import type { AggregateReport } from './aggregate-report.ts';
import type { ReportMail } from './report-mail.ts';
import { type Reporter, type ReporterOptions, requiredReporter } from './reporter.ts';

/** A report on its way to one destination. */
export interface DueReport {
  readonly report: AggregateReport;
  readonly file: AggregateFile;
  /** The message for this destination, ready to be sent. */
  readonly mail: ReportMail;
}

/**
 * What became of a report: `delivered`, a server has taken it; `later`, it is to be tried again; `never`, it was refused
 * for good.
 */
export type ReportDelivery = 'delivered' | 'later' | 'never';

/**
 * Sends one report, or puts it in a queue that loses nothing. What it throws means `later`, and so does its signal: what
 * it delivers after that goes out once more.
 */
export type DeliverReport = (due: DueReport, signal: AbortSignal) => Promise<ReportDelivery>;

/** Of {@link sendDueReports}. */
export interface SendReportsOptions {
  readonly reporter: ReporterOptions;
  readonly resolver: Resolver;
  readonly deliver: DeliverReport;
  /** What the keys of the collectors begin with. Default `dmarc-reports`. */
  readonly prefix?: string;
  /** So many milliseconds after its end, all collectors have written a day: more than their `flushMs`. Default 1,200,000 (20 min). */
  readonly settleMs?: number;
  /** So many days are looked back to, for what could not be sent. Default 3. */
  readonly maxAgeDays?: number;
  /** The most policy domains of a day. Default 50,000. */
  readonly maxDomains?: number;
  /** The most rows of a report. Default 20,000. */
  readonly maxRows?: number;
  /** The most bytes of a message. A larger report is not sent. Default 10,485,760 (10 MiB). */
  readonly maxMailBytes?: number;
  /** The most addresses that one report goes to. Default 5. */
  readonly maxDestinations?: number;
  /** So many policy domains are worked on at once. Default 4. */
  readonly concurrency?: number;
  /** How long one delivery may take, in milliseconds. Default 60,000. */
  readonly deliverTimeoutMs?: number;
  /** How long a machine that has crashed keeps others from sending, in milliseconds; ≥ 3 × `deliverTimeoutMs`. Default 300,000. */
  readonly leaseMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** The options, looked at. */
export interface SendSettings {
  readonly reporter: Reporter;
  readonly resolver: Resolver;
  readonly deliver: DeliverReport;
  readonly prefix: string;
  readonly settleMs: number;
  readonly maxAgeDays: number;
  readonly maxDomains: number;
  readonly maxRows: number;
  readonly maxMailBytes: number;
  readonly maxDestinations: number;
  readonly concurrency: number;
  readonly deliverTimeoutMs: number;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** @throws TypeError or RangeError that names the option */
export function readSendOptions(options: SendReportsOptions): SendSettings {
  const read = new OptionReader('sendDueReports', options);
  const deliverTimeoutMs = read.integer('deliverTimeoutMs', 60_000, { min: 1, max: 2 ** 31 - 1 });
  const settings: SendSettings = {
    reporter: requiredReporter('sendDueReports', read),
    resolver: read.required('resolver', isResolver, 'a Resolver'),
    deliver: read.required('deliver', isDeliver, 'a function that sends a report'),
    prefix: read.text('prefix', 'dmarc-reports'),
    settleMs: read.integer('settleMs', 1_200_000, { min: 0 }),
    maxAgeDays: read.integer('maxAgeDays', 3, { min: 1, max: 30 }),
    maxDomains: read.integer('maxDomains', 50_000, { min: 1 }),
    maxRows: read.integer('maxRows', 20_000, { min: 1 }),
    maxMailBytes: read.integer('maxMailBytes', 10_485_760, { min: 1 }),
    maxDestinations: read.integer('maxDestinations', 5, { min: 1, max: 100 }),
    concurrency: read.integer('concurrency', 4, { min: 1, max: 100 }),
    deliverTimeoutMs,
    leaseMs: read.integer('leaseMs', Math.max(300_000, 3 * deliverTimeoutMs), { min: 3 * deliverTimeoutMs }),
    clock: read.value('clock', isClock, 'an object with a function now()') ?? systemClock,
    signal: read.signal('signal'),
  };
  read.done();
  return settings;
}

function isDeliver(value: unknown): value is DeliverReport {
  return typeof value === 'function';
}
