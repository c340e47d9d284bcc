import { createHash, randomBytes } from 'node:crypto';
import {
  abortable,
  type Charge,
  type Clock,
  errorText,
  isClock,
  isResolver,
  isStore,
  OptionReader,
  type Resolver,
  type Store,
  systemClock,
} from '@postern/core';
import type { DmarcReportUri } from '../dmarc/dmarc-record.ts';
import { type FailedMessage, failureMail } from './failure-format.ts';
import { Redaction } from './failure-redaction.ts';
import type { FailureFacts } from './failure-report.ts';
import { isAutomatic } from './failure-request.ts';
import { verifyReportDestinations } from './report-destination.ts';
import type { ReportMail } from './report-mail.ts';
import { type Reporter, type ReporterOptions, requiredReporter } from './reporter.ts';

/** Of a `FailureReporter`. */
export interface FailureReporterOptions {
  readonly reporter: ReporterOptions;
  readonly resolver: Resolver;
  /** What limits are kept in: shared by all machines that send reports. */
  readonly store: Store;
  /** The most reports in an hour. Default 100. */
  readonly maxPerHour?: number;
  /** The most reports in an hour to addresses of one host. Default 20. */
  readonly maxPerDestination?: number;
  /** The most reports in an hour about one author domain, one client and one kind of failure. Default 1. */
  readonly maxSimilar?: number;
  /** The most addresses that one failure is reported to. Default 2. */
  readonly maxDestinations?: number;
  /**
   * With what local parts of addresses are made unreadable (RFC 6590); the same key makes the same of the same address. `false`:
   * they stand in the reports. Default: a random key for each `FailureReporter`.
   */
  readonly redaction?: Uint8Array | false;
  /**
   * Whether the message's body is shown, when it is there. It is not redacted, and the law may forbid it. Default `false`.
   */
  readonly showBody?: boolean;
  /** The most bytes of the message that a report quotes. Default 65,536. */
  readonly maxQuotedBytes?: number;
  /** What its keys in the store begin with. Default `dmarc-failures`. */
  readonly prefix?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** A message that failed, and whom to tell. */
export interface FailureInput {
  readonly facts: FailureFacts;
  readonly message: FailedMessage;
  /** Where the record was found. */
  readonly policyDomain: string;
  readonly ruf: readonly DmarcReportUri[];
}

/**
 * The mails to send about a failure, or why there are none: `automatic`, the message is a report or an answer itself, and a
 * report on it could be answered for ever; `limited`, there were enough; `no-destination`, nobody may get it; `unknown`,
 * DNS or the store failed.
 */
export type FailureOutcome =
  | { readonly kind: 'mails'; readonly mails: readonly ReportMail[] }
  | {
      readonly kind: 'none';
      readonly reason: 'automatic' | 'limited' | 'no-destination' | 'unknown';
      readonly detail: string;
    };

const HOUR_MS = 3_600_000;
const KEY_BYTES = 32;

/**
 * Writes DMARC failure reports (RFC 9991), within limits: they are about single messages, show who writes to whom, and
 * whoever forges an author can have as many sent as he likes. So: none on a message that a machine wrote, none to where
 * nobody agreed to it, one an hour for the same failure, local parts redacted, no body. Most large providers send none at
 * all; aggregate reports say enough to most owners.
 *
 * @example
 * ```ts
 * import { FailureReporter, requestedFailures } from '@postern/spf-dmarc/reports';
 *
 * const failures = new FailureReporter({ reporter, resolver, store });
 * for (const authFailure of requestedFailures(dmarc)) {
 *   const outcome = await failures.report({ facts: { authFailure, … }, message: { header }, policyDomain, ruf });
 *   if (outcome.kind === 'mails') for (const mail of outcome.mails) queue.add(mail);
 * }
 * ```
 */
export class FailureReporter {
  readonly #reporter: Reporter;
  readonly #resolver: Resolver;
  readonly #store: Store;
  readonly #limits: { readonly all: number; readonly destination: number; readonly similar: number };
  readonly #maxDestinations: number;
  readonly #redaction: Redaction | undefined;
  readonly #showBody: boolean;
  readonly #maxQuotedBytes: number;
  readonly #prefix: string;
  readonly #clock: Clock;

  /** @throws TypeError or RangeError that names the option */
  constructor(options: FailureReporterOptions) {
    const read = new OptionReader('FailureReporter', options);
    this.#reporter = requiredReporter('FailureReporter', read);
    this.#resolver = read.required('resolver', isResolver, 'a Resolver');
    this.#store = read.required('store', isStore, 'a Store');
    this.#limits = {
      all: read.integer('maxPerHour', 100, { min: 1 }),
      destination: read.integer('maxPerDestination', 20, { min: 1 }),
      similar: read.integer('maxSimilar', 1, { min: 1 }),
    };
    this.#maxDestinations = read.integer('maxDestinations', 2, { min: 1, max: 100 });
    const key =
      read.value('redaction', isRedactionKey, 'a key of at least 16 bytes, or false') ?? randomBytes(KEY_BYTES);
    this.#redaction = key === false ? undefined : new Redaction(key);
    this.#showBody = read.boolean('showBody', false);
    this.#maxQuotedBytes = read.integer('maxQuotedBytes', 65_536, { min: 0, max: 2 ** 28 });
    this.#prefix = read.text('prefix', 'dmarc-failures');
    this.#clock = read.value('clock', isClock, 'an object with a function now()') ?? systemClock;
    read.done();
  }

  /** The mails to send about one failure. They count against the limits as soon as they are made. Never rejects. */
  async report(input: FailureInput, signal?: AbortSignal): Promise<FailureOutcome> {
    const { facts, message, policyDomain, ruf } = input;
    if (isAutomatic(facts.mailFrom, message.header)) return none('automatic', 'The message was written by a machine.');
    const destinations = await verifyReportDestinations(policyDomain, ruf, {
      resolver: this.#resolver,
      tag: 'ruf',
      maxDestinations: this.#maxDestinations,
      ...(signal !== undefined && { signal }),
    });
    const verified = [...new Set(destinations.flatMap((each) => (each.status === 'verified' ? [each.address] : [])))];
    if (verified.length === 0) {
      const waits = destinations.some(({ status }) => status === 'unknown');
      return waits
        ? none('unknown', 'DNS did not say whether the destinations agree.')
        : none('no-destination', 'No destination of the record may get failure reports.');
    }
    const recipients = this.#withinLimits(verified);
    try {
      const charges = this.#charges(facts, recipients);
      const { allowed } = await abortable(Promise.resolve(this.#store.charge(charges)), signal);
      if (!allowed) return none('limited', 'There were enough failure reports in this hour.');
    } catch (error) {
      return none('unknown', `The limits could not be asked: ${errorText(error)}`);
    }
    return { kind: 'mails', mails: recipients.map((recipient) => this.#format(facts, message, recipient)) };
  }

  #format(facts: FailureFacts, { header, body }: FailedMessage, recipient: string): ReportMail {
    const shown = this.#showBody && body !== undefined ? { header, body } : { header };
    return failureMail(facts, shown, {
      reporter: this.#reporter,
      recipient,
      date: this.#clock.now(),
      redaction: this.#redaction,
      maxQuotedBytes: this.#maxQuotedBytes,
    });
  }

  /** Those that the limits of an hour could ever let through: what does not fit as a whole is not reported at all. */
  #withinLimits(addresses: readonly string[]): readonly string[] {
    const hosts = addresses.map(hostOf);
    const fitting = addresses.filter((_, index) => {
      const before = hosts.slice(0, index).filter((host) => host === hosts[index]);
      return before.length < this.#limits.destination;
    });
    return fitting.slice(0, this.#limits.all);
  }

  /** RFC 9991 §8.1: different failures are to be reported, not each of them. */
  #charges({ reportedDomain, sourceIp, authFailure }: FailureFacts, addresses: readonly string[]): readonly Charge[] {
    const charge = (name: string, cost: number, count: number): Charge => ({
      algorithm: 'sliding',
      key: `${this.#prefix}/${name}`,
      cost,
      count,
      perMs: HOUR_MS,
    });
    const similar = createHash('sha256').update(`${reportedDomain}\n${sourceIp}\n${authFailure}`).digest('base64url');
    return [
      charge('all', addresses.length, this.#limits.all),
      charge(`similar/${similar}`, 1, this.#limits.similar),
      // A key that stands twice is charged twice.
      ...addresses.map((address) => charge(`to/${hostOf(address)}`, 1, this.#limits.destination)),
    ];
  }
}

function none(reason: 'automatic' | 'limited' | 'no-destination' | 'unknown', detail: string): FailureOutcome {
  return { kind: 'none', reason, detail };
}

function hostOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

function isRedactionKey(value: unknown): value is Uint8Array | false {
  return value === false || (value instanceof Uint8Array && value.length >= 16);
}
