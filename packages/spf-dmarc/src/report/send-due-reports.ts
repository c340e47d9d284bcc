import { errorText, isStore, type Store } from '@postern/core';
import { abortableStore, type ReportStore } from './abortable-store.ts';
import { type AggregateFile, aggregateFile, aggregateMail, aggregateReportId } from './aggregate-mail.ts';
import type { AggregateReport } from './aggregate-report.ts';
import { type CollectedOverview, type CollectedReport, CollectedReports } from './collected-reports.ts';
import { decodeNames, encodeNames } from './collected-value.ts';
import { HeldLease } from './held-lease.ts';
import { dayBounds, daysBefore, type ReportDay } from './report-day.ts';
import { deliverOnce } from './report-delivery.ts';
import { type ReportDestination, verifyReportDestinations } from './report-destination.ts';
import { ReportKeys } from './report-keys.ts';
import { readSendOptions, type SendReportsOptions, type SendSettings } from './send-options.ts';

/** What became of one report at one destination. */
export interface DestinationOutcome {
  readonly uri: string;
  /**
   * `delivered`; `later`: it will be tried again; `never`: the application or the destination refused it for good;
   * `refused`: nothing may be sent there; `unknown`: DNS failed, it will be tried again; `too-large`.
   */
  readonly status: 'delivered' | 'later' | 'never' | 'refused' | 'unknown' | 'too-large';
  readonly detail?: string;
}

/** What became of the report about one policy domain. */
export interface SentReport {
  readonly domain: string;
  readonly reportId: string;
  /** Messages that the report counts. */
  readonly messages: number;
  /** Messages that it lacks, for want of room somewhere. */
  readonly dropped: number;
  /** Collectors whose counts the store had lost. */
  readonly missing: number;
  readonly destinations: readonly DestinationOutcome[];
}

/** What became of one day. */
export interface SentDay {
  readonly day: ReportDay;
  /**
   * `done`: all reports that could be sent now were; `busy`: another machine is at it; `stopped`: the caller gave up or the
   * lease was lost; `failed`: the store could not be asked, or lacks what some collector wrote, as `detail` says. In the
   * second case reports wait for 12 hours after the day's end, and then say that they lack a part.
   */
  readonly status: 'done' | 'busy' | 'stopped' | 'failed';
  readonly detail?: string;
  /** The reports that were worked on; those that were finished before are not among them. */
  readonly reports: readonly SentReport[];
  /** Messages of the day that are in no report at all: there was no room for their domains. */
  readonly dropped: number;
  /** Collectors whose list of domains the store had lost. */
  readonly missing: number;
}

type VerifiedDestination = ReportDestination & { readonly status: 'verified' };

const DAY_MS = 86_400_000;
/**
 * So long after its end a day may have collectors of which the store has nothing: a store in Redis that is away answers from
 * what this process knows, and a report of that alone would go out once more when Redis is back.
 */
const MISSING_MS = DAY_MS / 2;

/**
 * Sends the aggregate reports of the days that are over (RFC 9990), one for each policy domain and day: adds up what all
 * {@link AggregateCollector}s have written, asks DNS whether the destinations agree, and hands each message to `deliver`.
 * To be called every hour or so, on as many machines as there are.
 *
 * - **Once**: one machine at a time works on a day. A destination that has got its report is noted in the store before the
 *   next one is asked; a crash between the two sends one report twice, with the same id and file name, so that its reader
 *   knows it (RFC 9990 §3.5.4).
 * - **Again**: what could not be sent, for DNS or for the destination, is tried with the next calls, for three days.
 * - **Whole**: a report says in `error` how many messages it lacks.
 *
 * Never rejects: what the store or DNS fails at is in the result.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { sendDueReports } from '@postern/spf-dmarc/reports';
 *
 * await sendDueReports(store, {
 *   reporter: { orgName: 'Example Net', email: 'dmarc@example.net' },
 *   resolver,
 *   deliver: async ({ mail }) => {
 *     await transport.sendMail({ envelope: { from: mail.mailFrom, to: mail.recipient }, raw: Buffer.from(mail.message) });
 *     return 'delivered';
 *   },
 * });
 * ```
 */
export function sendDueReports(store: Store, options: SendReportsOptions): Promise<readonly SentDay[]> {
  if (!isStore(store)) throw new TypeError('sendDueReports: store must be a Store');
  return sendDays(store, readSendOptions(options));
}

async function sendDays(store: Store, settings: SendSettings): Promise<readonly SentDay[]> {
  const now = settings.clock.now();
  const sent: SentDay[] = [];
  for (const day of daysBefore(now, settings.maxAgeDays)) {
    if (dayBounds(day).end + settings.settleMs > now || settings.signal?.aborted) continue;
    sent.push(await new DaySender(store, day, settings).send());
  }
  return sent;
}

class DaySender {
  readonly #store: ReportStore;
  readonly #day: ReportDay;
  readonly #settings: SendSettings;
  readonly #keys: ReportKeys;
  readonly #collected: CollectedReports;
  readonly #reports: SentReport[] = [];
  #overview: CollectedOverview = { domains: new Map(), dropped: 0, missing: 0 };
  /** Messages of domains of which there is no row. */
  #dropped = 0;

  constructor(store: Store, day: ReportDay, settings: SendSettings) {
    this.#store = abortableStore(store, settings.signal);
    this.#day = day;
    this.#settings = settings;
    this.#keys = new ReportKeys(settings.prefix, day);
    this.#collected = new CollectedReports(this.#store, this.#keys);
  }

  async send(): Promise<SentDay> {
    const { leaseMs, clock, maxDomains, signal } = this.#settings;
    try {
      const lease = await HeldLease.take(this.#store, this.#keys.sending, leaseMs, () => clock.now());
      if (lease === undefined) return this.#result('busy');
      try {
        this.#overview = await this.#collected.overview(maxDomains);
        const { missing } = this.#overview;
        if (missing > 0 && clock.now() < dayBounds(this.#day).end + MISSING_MS) {
          return this.#result('failed', `The store has nothing of ${missing} collectors.`);
        }
        return this.#result((await this.#sendAll(lease)) ? 'done' : 'stopped');
      } finally {
        await lease.release();
      }
    } catch (error) {
      return signal?.aborted ? this.#result('stopped') : this.#result('failed', errorText(error));
    }
  }

  #result(status: SentDay['status'], detail?: string): SentDay {
    const { dropped, missing } = this.#overview;
    const day = { day: this.#day, status, reports: this.#reports, dropped: dropped + this.#dropped, missing };
    return detail === undefined ? day : { ...day, detail };
  }

  /** `false`: not all of them. */
  async #sendAll(lease: HeldLease): Promise<boolean> {
    const waiting = this.#overview.domains.entries();
    const work = async (): Promise<boolean> => {
      for (const [domain, collectors] of waiting) {
        if (!(await this.#sendDomain(domain, collectors, lease))) return false;
      }
      return true;
    };
    // All are waited for, so that none goes on when the lease is given back.
    const ends = await Promise.allSettled(Array.from({ length: this.#settings.concurrency }, work));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return ends.every((end) => end.status === 'fulfilled' && end.value);
  }

  /** `false`: nobody may go on. */
  async #sendDomain(domain: string, collectors: readonly string[], lease: HeldLease): Promise<boolean> {
    const { resolver, signal, maxRows, maxDestinations } = this.#settings;
    if (signal?.aborted || !(await lease.keep())) return false;
    const collected = await this.#collected.domain(domain, collectors, maxRows);
    if (collected === undefined) return true;
    if (collected.rows.length === 0) {
      this.#dropped += collected.dropped;
      return true;
    }
    const verified = await verifyReportDestinations(domain, collected.rua, {
      resolver,
      maxDestinations,
      ...(signal !== undefined && { signal }),
    });
    const done = new Set(decodeNames((await this.#store.recall([this.#keys.sent(domain)]))[0]));
    const isDone = (destination: ReportDestination): boolean => namesOf(destination).some((name) => done.has(name));
    const report = this.#reportOf(domain, collected);
    let file: AggregateFile | undefined;
    const outcomes: DestinationOutcome[] = [];
    try {
      for (const destination of verified) {
        if (isDone(destination)) continue;
        if (signal?.aborted || !(await lease.keep())) return false;
        let outcome: DestinationOutcome;
        if (destination.status === 'verified') {
          // Once for all destinations: a large report takes a while to be written.
          file ??= aggregateFile(report, this.#settings.reporter.domain);
          outcome = await this.#sendTo(destination, report, file);
        } else {
          outcome = { uri: destination.uri, status: destination.status, detail: destination.reason };
        }
        outcomes.push(outcome);
        if (outcome.status === 'later' || outcome.status === 'unknown') continue;
        for (const name of namesOf(destination)) done.add(name);
        await this.#store.remember(this.#keys.sent(domain), encodeNames([...done]), this.#keepMs());
      }
    } finally {
      // Also of what the store could not note.
      if (outcomes.length > 0) this.#reports.push(sentReport(domain, report, collected, outcomes));
    }
    // What everyone has got is read no more. The names of those who have stay.
    if (verified.every(isDone)) await this.#collected.forget(domain, collectors);
    return true;
  }

  async #sendTo(
    { uri, address }: VerifiedDestination,
    report: AggregateReport,
    file: AggregateFile,
  ): Promise<DestinationOutcome> {
    const { reporter, maxMailBytes, deliver, deliverTimeoutMs, signal, clock } = this.#settings;
    if (file.mailBytes > maxMailBytes) {
      return { uri, status: 'too-large', detail: `The message would have ${file.mailBytes} bytes.` };
    }
    const mail = aggregateMail(file, report, reporter, address, clock.now());
    const { outcome, detail } = await deliverOnce(deliver, { report, file, mail }, deliverTimeoutMs, signal);
    return { uri, status: outcome, ...(detail !== undefined && { detail }) };
  }

  #reportOf(domain: string, collected: CollectedReport): AggregateReport {
    const { reporter } = this.#settings;
    const { begin, end } = dayBounds(this.#day);
    const { policy, rows, dropped, missing } = collected;
    const errors = [...collected.errors];
    if (dropped > 0) errors.push(`${dropped} messages are not in this report, for want of room`);
    if (missing + this.#overview.missing > 0) errors.push('the counts of a part of the messages were lost');
    return {
      metadata: {
        orgName: reporter.orgName,
        email: reporter.email,
        ...(reporter.extraContactInfo !== undefined && { extraContactInfo: reporter.extraContactInfo }),
        reportId: aggregateReportId(reporter.domain, domain, begin),
        begin: begin / 1_000,
        end: end / 1_000 - 1,
        errors,
        generator: reporter.generator,
      },
      policy,
      rows,
    };
  }

  #keepMs(): number {
    return (this.#settings.maxAgeDays + 1) * DAY_MS;
  }
}

/** What a destination is noted under: several addresses of a record may lead to the same one. */
function namesOf(destination: ReportDestination): readonly string[] {
  return destination.status === 'verified' ? [destination.uri, destination.address] : [destination.uri];
}

function sentReport(
  domain: string,
  { metadata }: AggregateReport,
  { messages, dropped, missing }: CollectedReport,
  destinations: readonly DestinationOutcome[],
): SentReport {
  return { domain, reportId: metadata.reportId, messages, dropped, missing, destinations };
}
