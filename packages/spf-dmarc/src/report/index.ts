/**
 * What receivers tell domain owners: aggregate reports (RFC 9990) and failure reports (RFC 9991), written and read.
 *
 * @module
 */

export { type FormattedReport, formatAggregateReport } from './aggregate-format.ts';
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
export type { ReportProblem } from './problem-list.ts';
