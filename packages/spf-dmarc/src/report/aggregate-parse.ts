import { formatIp, OptionReader, parseIp } from '@postern/core';
import {
  AGGREGATE_NAMESPACE,
  type AggregateReport,
  type AggregateRow,
  type PolicyOverride,
  type PublishedPolicy,
  type ReportedDkim,
  type ReportedSpf,
  type ReportMetadata,
} from './aggregate-report.ts';
import { ProblemList, type ReportProblem } from './problem-list.ts';
import { readReportText } from './report-bytes.ts';
import { ReportElement } from './report-element.ts';
import {
  ALIGNED,
  DISPOSITIONS,
  DKIM_RESULTS,
  METHODS,
  MODES,
  OVERRIDES,
  POLICIES,
  SPF_RESULTS,
} from './report-words.ts';
import { readXmlDocument } from './xml-document.ts';

/** The bounds of `parseAggregateReport`. */
export interface AggregateParseOptions {
  /** The most bytes of the file as it came. Default 10,485,760 (10 MiB). */
  readonly maxFileBytes?: number;
  /** The most bytes of the XML; decompression stops there. Default 16,777,216 (16 MiB). */
  readonly maxXmlBytes?: number;
  /** The most rows. A report with more is cut off there, and says so in its problems. Default 20,000. */
  readonly maxRows?: number;
}

/** A report that was read. Whatever it says, its reporter says so, and nobody has checked that. */
export interface ParsedAggregateReport extends AggregateReport<'unknown'> {
  /** Of the root element; `undefined` in most reports by RFC 7489. */
  readonly namespace: string | undefined;
  readonly version: string | undefined;
}

/** A report, with all that is odd about it, or why there is none. */
export type AggregateParseResult =
  | {
      readonly ok: true;
      readonly report: ParsedAggregateReport;
      readonly problems: readonly ReportProblem[];
      /** Rows that are not in `report`: without an address or a count, or beyond `maxRows`. */
      readonly skippedRows: number;
    }
  | {
      readonly ok: false;
      readonly reason: 'too-large' | 'bad-archive' | 'not-xml';
      /** One sentence for a person. */
      readonly detail: string;
    };

/** A row has about 20 elements, and 4 for each signature. */
const ELEMENTS_PER_ROW = 32;
const OTHER_ELEMENTS = 1_000;
/** feedback / record / auth_results / dkim / domain, and as much for an extension. */
const MAX_DEPTH = 12;
const MAX_REASONS = 20;
const MAX_SIGNATURES = 100;
const MAX_ERRORS = 20;

const SCOPES = ['mfrom', 'helo'] as const;
/** With those that RFC 9990 has no more. */
const READ_OVERRIDES = [...OVERRIDES, 'forwarded', 'sampled_out'] as const;

/**
 * Reads an aggregate report of others: XML by RFC 9990 or RFC 7489, plain, in gzip, or in ZIP; which of them shows in the
 * bytes. Never throws on bytes, and takes time linear in them.
 *
 * It takes what can be understood. What is missing, unknown or misspelt is listed in `problems`, and a word that is none
 * of the known ones reads `'unknown'`: neither pass nor fail. Rows without an address or a count are skipped and counted.
 *
 * Bounded against what a stranger may send (RFC 9990 §8.1): bytes before and after decompression, elements, depth, rows.
 * Document type declarations are refused, so that no entity expands. A second of CPU for 5 MiB of XML, in one go:
 * read large reports in a worker.
 *
 * @throws TypeError or RangeError that names the option; TypeError when `file` is no `Uint8Array`
 *
 * @example
 * ```ts
 * import { parseAggregateReport } from '@postern/spf-dmarc/reports';
 *
 * const result = parseAggregateReport(attachment);
 * if (result.ok) for (const { sourceIp, count, dkim, spf } of result.report.rows) console.log(sourceIp, count, dkim, spf);
 * ```
 */
export function parseAggregateReport(file: Uint8Array, options?: AggregateParseOptions): AggregateParseResult {
  if (!(file instanceof Uint8Array)) throw new TypeError('parseAggregateReport: file must be a Uint8Array');
  return parseReportFile(file, readParseOptions('parseAggregateReport', options));
}

/** @throws TypeError or RangeError that names the option */
export function readParseOptions(owner: string, options?: AggregateParseOptions): Required<AggregateParseOptions> {
  const read = new OptionReader(owner, options);
  const bounds = {
    maxFileBytes: read.integer('maxFileBytes', 10_485_760, { min: 1 }),
    maxXmlBytes: read.integer('maxXmlBytes', 16_777_216, { min: 1, max: 2 ** 28 }),
    maxRows: read.integer('maxRows', 20_000, { min: 1, max: 1_000_000 }),
  };
  read.done();
  return bounds;
}

/** {@link parseAggregateReport} without its look at the arguments. */
export function parseReportFile(
  file: Uint8Array,
  { maxFileBytes, maxXmlBytes, maxRows }: Required<AggregateParseOptions>,
): AggregateParseResult {
  if (file.length > maxFileBytes) {
    return { ok: false, reason: 'too-large', detail: `The file has more than ${maxFileBytes} bytes.` };
  }
  const unpacked = readReportText(file, maxXmlBytes);
  if (!unpacked.ok) return unpacked;
  const maxElements = OTHER_ELEMENTS + ELEMENTS_PER_ROW * maxRows;
  const document = readXmlDocument(unpacked.text, 'feedback', { maxElements, maxDepth: MAX_DEPTH });
  if (!document.ok) return document;

  const problems = new ProblemList();
  if (unpacked.damaged) problems.add('', 'Some bytes are not text in the encoding of the document.');
  if (!document.complete) problems.add('feedback', 'The document is cut off.');
  const { namespace } = document;
  if (namespace !== undefined && namespace !== AGGREGATE_NAMESPACE) problems.unexpected('feedback/xmlns', namespace);

  const root = new ReportElement(document.root, '', problems);
  const records = root.children('record');
  if (records.length === 0) problems.add('record', 'There is none.');
  if (records.length > maxRows) problems.add('record', `There are more than ${maxRows}.`);
  const rows: AggregateRow<'unknown'>[] = [];
  for (const record of records.slice(0, maxRows)) {
    const row = readRow(record, problems);
    if (row !== undefined) rows.push(row);
  }
  const report: ParsedAggregateReport = {
    namespace,
    version: root.optional('version'),
    metadata: readMetadata(root.child('report_metadata')),
    policy: readPolicy(root.child('policy_published')),
    rows,
  };
  return { ok: true, report, problems: problems.list, skippedRows: records.length - rows.length };
}

function readMetadata(metadata: ReportElement): ReportMetadata {
  const range = metadata.child('date_range');
  const extraContactInfo = metadata.optional('extra_contact_info');
  const generator = metadata.optional('generator');
  return {
    orgName: metadata.text('org_name'),
    email: metadata.text('email'),
    ...(extraContactInfo !== undefined && { extraContactInfo }),
    reportId: metadata.text('report_id'),
    begin: range.count('begin') ?? 0,
    end: range.count('end') ?? 0,
    errors: metadata.texts('error', MAX_ERRORS),
    ...(generator !== undefined && { generator }),
  };
}

function readPolicy(policy: ReportElement): PublishedPolicy<'unknown'> {
  const sp = policy.optionalWord('sp', POLICIES);
  const np = policy.optionalWord('np', POLICIES);
  const adkim = policy.optionalWord('adkim', MODES);
  const aspf = policy.optionalWord('aspf', MODES);
  const fo = policy.optional('fo');
  const testing = policy.optionalWord('testing', ['y', 'n']);
  const discoveryMethod = policy.optionalWord('discovery_method', METHODS);
  return {
    domain: policy.text('domain'),
    p: policy.word('p', POLICIES),
    ...(sp !== undefined && { sp }),
    ...(np !== undefined && { np }),
    ...(adkim !== undefined && { adkim }),
    ...(aspf !== undefined && { aspf }),
    ...(fo !== undefined && { fo }),
    ...(testing !== undefined && { testing: testing === 'y' }),
    ...(discoveryMethod !== undefined && { discoveryMethod }),
  };
}

function readRow(record: ReportElement, problems: ProblemList): AggregateRow<'unknown'> | undefined {
  const row = record.child('row');
  const count = row.count('count');
  const address = row.text('source_ip');
  const ip = parseIp(address);
  if (ip === undefined && address !== '') problems.unexpected('record/row/source_ip', address);
  if (ip === undefined || count === undefined) return undefined;
  const evaluated = row.child('policy_evaluated');
  const identifiers = record.child('identifiers');
  const results = record.child('auth_results');
  const envelopeFrom = identifiers.optional('envelope_from');
  const envelopeTo = identifiers.optional('envelope_to');
  return {
    count,
    sourceIp: formatIp(ip),
    disposition: evaluated.word('disposition', DISPOSITIONS),
    dkim: evaluated.word('dkim', ALIGNED),
    spf: evaluated.word('spf', ALIGNED),
    reasons: evaluated.children('reason').slice(0, MAX_REASONS).map(readReason),
    headerFrom: identifiers.text('header_from'),
    ...(envelopeFrom !== undefined && { envelopeFrom }),
    ...(envelopeTo !== undefined && { envelopeTo }),
    dkimResults: results.children('dkim').slice(0, MAX_SIGNATURES).map(readDkim),
    spfResults: results.children('spf').slice(0, MAX_SIGNATURES).map(readSpf),
  };
}

function readReason(reason: ReportElement): PolicyOverride {
  const type = reason.word('type', READ_OVERRIDES);
  const comment = reason.optional('comment');
  return { type: type === 'unknown' ? 'other' : type, ...(comment !== undefined && { comment }) };
}

function readDkim(dkim: ReportElement): ReportedDkim<'unknown'> {
  const humanResult = dkim.optional('human_result');
  return {
    domain: dkim.text('domain'),
    // RFC 7489 let reporters leave the selector out.
    selector: dkim.optional('selector') ?? '',
    result: dkim.word('result', DKIM_RESULTS),
    ...(humanResult !== undefined && { humanResult }),
  };
}

function readSpf(spf: ReportElement): ReportedSpf<'unknown'> {
  const scope = spf.optionalWord('scope', SCOPES);
  const humanResult = spf.optional('human_result');
  return {
    domain: spf.text('domain'),
    ...(scope !== undefined && { scope }),
    result: spf.word('result', SPF_RESULTS),
    ...(humanResult !== undefined && { humanResult }),
  };
}
