import type { PublishedPolicy, ReportedMessage } from './aggregate-report.ts';

/** One evaluated message, as an {@link AggregateCollector} takes it. */
export interface AggregateRecord {
  readonly policy: PublishedPolicy;
  /** The URIs of the tag `rua`, as published. Without one there is nobody to report to, and nothing is recorded. */
  readonly rua: readonly string[];
  readonly message: ReportedMessage;
  /** What is wrong with the policy record, for the owner. Default: nothing. */
  readonly errors?: readonly string[];
}
