import { type Channel, channel } from 'node:diagnostics_channel';
import type { Report } from '@postern/core';
import type { Bystanders } from './bystanders.ts';
import type { ActiveCheck } from './stage-runner.ts';

/** The name of the diagnostics channel on which every report is published. */
export const REPORT_CHANNEL = 'postern.gateway.report';

/** Hands reports to everyone who wants them. */
export class ReportDesk {
  readonly #onReport: ((report: Report) => unknown) | undefined;
  readonly #bystanders: Bystanders;
  readonly #channel: Channel = channel(REPORT_CHANNEL);

  constructor(onReport: ((report: Report) => unknown) | undefined, bystanders: Bystanders) {
    this.#onReport = onReport;
    this.#bystanders = bystanders;
  }

  /** Makes the report only if there is someone to read it: the checks of the session first, then `onReport`, then the channel. */
  publish(makeReport: () => Report, checks: readonly ActiveCheck[]): void {
    const readers = checks.filter((each) => each.run.report !== undefined);
    const onReport = this.#onReport;
    if (readers.length === 0 && onReport === undefined && !this.#channel.hasSubscribers) return;
    const report = makeReport();
    for (const { check, run } of readers) {
      this.#bystanders.call(`report() of the check ${check.name}`, () => run.report?.(report));
    }
    if (onReport !== undefined) this.#bystanders.call('onReport', () => onReport(report));
    this.#channel.publish(report);
  }
}
