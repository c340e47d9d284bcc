/**
 * What receivers tell domain owners: aggregate reports (RFC 9990) and failure reports (RFC 9991), written and read.
 *
 * @module
 */

export {
  AggregateCollector,
  type AggregateCollectorOptions,
  type CollectorStats,
  type FlushResult,
} from './aggregate-collector.ts';
export { type FormattedReport, formatAggregateReport } from './aggregate-format.ts';
export { type AggregateFile, type AggregateMailInput, formatAggregateMail } from './aggregate-mail.ts';
export { parseAggregateMail } from './aggregate-mail-parse.ts';
export {
  type AggregateParseOptions,
  type AggregateParseResult,
  type ParsedAggregateReport,
  parseAggregateReport,
} from './aggregate-parse.ts';
export { type AggregateRecord, type AggregateRecordInput, aggregateRecord } from './aggregate-record.ts';
export {
  AGGREGATE_NAMESPACE,
  type AggregateReport,
  type AggregateRow,
  type PolicyOverride,
  type PolicyOverrideType,
  type PublishedPolicy,
  type ReportedDisposition,
  type ReportedDkim,
  type ReportedMessage,
  type ReportedSpf,
  type ReportMetadata,
} from './aggregate-report.ts';
export type { FailedMessage } from './failure-format.ts';
export {
  type FailureParseOptions,
  type FailureParseResult,
  type ParsedFailureReport,
  parseFailureReport,
} from './failure-parse.ts';
export type { AuthFailure, DeliveryResult, FailureFacts } from './failure-report.ts';
export {
  type FailureInput,
  type FailureOutcome,
  FailureReporter,
  type FailureReporterOptions,
} from './failure-reporter.ts';
export { isAutomatic, requestedFailures } from './failure-request.ts';
export type { ReportProblem } from './problem-list.ts';
export type { ReportDay } from './report-day.ts';
export {
  type ReportDestination,
  type ReportDestinationOptions,
  verifyReportDestinations,
} from './report-destination.ts';
export type { ReportMail } from './report-mail.ts';
export type { ReporterOptions } from './reporter.ts';
export { type DestinationOutcome, type SentDay, type SentReport, sendDueReports } from './send-due-reports.ts';
export type { DeliverReport, DueReport, ReportDelivery, SendReportsOptions } from './send-options.ts';
