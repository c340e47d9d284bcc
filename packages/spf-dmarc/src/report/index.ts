/**
 * What receivers tell domain owners: aggregate reports (RFC 9990) and failure reports (RFC 9991), written and read.
 *
 * @module
 */

export type { AggregateRecord } from './aggregate-record.ts';
export {
  AGGREGATE_NAMESPACE,
  type AggregateReport,
  type AggregateRow,
  type PolicyOverride,
  type PolicyOverrideType,
  type PublishedAction,
  type PublishedPolicy,
  type ReportedDisposition,
  type ReportedDkim,
  type ReportedMessage,
  type ReportedSpf,
  type ReportMetadata,
} from './aggregate-report.ts';
export { parseReportUri, type ReportUri } from './report-uri.ts';
