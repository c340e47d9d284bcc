import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { formatAggregateReport } from './aggregate-format.ts';
import type { AggregateReport } from './aggregate-report.ts';
import { formatReportMail, type ReportMail } from './report-mail.ts';
import { type Reporter, type ReporterOptions, readReporter } from './reporter.ts';

/** A report as a file, with the names by which its reader knows it. */
export interface AggregateFile {
  /** RFC 9990 §3.5.2: `receiver!policy-domain!begin!end!unique-id.xml.gz`, without an id that has more than letters and digits. */
  readonly fileName: string;
  /** `Report Domain: … Submitter: … Report-ID: <…>` */
  readonly subject: string;
  /** The XML, in gzip. */
  readonly gzip: Uint8Array;
  /** The bytes that a message with it has, about: what a size limit is held against. */
  readonly mailBytes: number;
  /** How many characters XML cannot hold; each became U+FFFD. */
  readonly replaced: number;
}

/** base64 in lines of 76 characters and CRLF, and the header with the part that a person reads. */
const LINE_BYTES = 57;
const ENCODED_LINE_BYTES = 78;
const HEADER_BYTES = 1_500;
/** RFC 9990 §3.5.1: the id in the file name has letters and digits only, and all ids of a report are the same. */
const ID_LENGTH = 32;
const LONGEST_NAME = 255;

/**
 * The id of the report of one submitter about one domain and day. It follows from them, so that a report that is sent
 * again, by whatever machine, has the same name: its reader then knows it for the same (RFC 9990 §3.5.2, §3.5.4).
 */
export function aggregateReportId(submitter: string, policyDomain: string, begin: number): string {
  return createHash('sha256').update(`${submitter}\n${policyDomain}\n${begin}`).digest('hex').slice(0, ID_LENGTH);
}

/** The report as a file, for one message or several. */
export function aggregateFile(report: AggregateReport, submitter: string): AggregateFile {
  const { metadata, policy } = report;
  const { xml, replaced } = formatAggregateReport(report);
  const gzip = gzipSync(xml);
  const domain = plainName(policy.domain);
  const id = plainName(metadata.reportId);
  // RFC 9990 §3.5.2: `unique-id` has letters and digits only, and may be missing.
  const uniqueId = /^[0-9A-Za-z]+$/.test(id) ? `!${id}` : '';
  return {
    fileName: `${submitter}!${domain}!${metadata.begin}!${metadata.end}${uniqueId}.xml.gz`,
    subject: `Report Domain: ${domain} Submitter: ${submitter} Report-ID: <${id}>`,
    gzip,
    mailBytes: Math.ceil(gzip.length / LINE_BYTES) * ENCODED_LINE_BYTES + HEADER_BYTES,
    replaced,
  };
}

/** What may stand in a file name and in a header without quotes, whoever wrote the domain. */
function plainName(text: string): string {
  return text.replace(/[^0-9A-Za-z._-]/g, '_').slice(0, LONGEST_NAME);
}

/** Of `formatAggregateMail`. */
export interface AggregateMailInput {
  readonly report: AggregateReport;
  readonly reporter: ReporterOptions;
  readonly recipient: string;
  /** Milliseconds since the epoch. Default: now. */
  readonly date?: number;
}

/**
 * The message that carries an aggregate report (RFC 9990 §3.5.2): a sentence for a person, and the report as an
 * `application/gzip` attachment. It goes out as it is, best DKIM-signed by the domain of `reporter.email`: readers drop
 * reports that do not pass DMARC.
 *
 * @throws TypeError or RangeError that names the option
 */
export function formatAggregateMail({ report, reporter, recipient, date }: AggregateMailInput): ReportMail {
  const known = readReporter('formatAggregateMail', reporter);
  return aggregateMail(aggregateFile(report, known.domain), report, known, recipient, date ?? Date.now());
}

export function aggregateMail(
  file: AggregateFile,
  { metadata, policy }: AggregateReport,
  reporter: Reporter,
  recipient: string,
  date: number,
): ReportMail {
  const day = new Date(metadata.begin * 1_000).toISOString().slice(0, 10);
  const text =
    `This is a DMARC aggregate report of ${reporter.domain}\r\n` +
    `for the domain ${plainName(policy.domain)}, for ${day} (UTC).\r\n`;
  return formatReportMail(
    {
      from: reporter.email,
      recipient,
      subject: file.subject,
      messageId: `${plainName(metadata.reportId)}@${reporter.domain}`,
      date,
      type: 'multipart/mixed',
    },
    [
      { type: 'text/plain; charset=us-ascii', encoding: '7bit', content: Buffer.from(text) },
      {
        type: 'application/gzip',
        disposition: `attachment; filename="${file.fileName}"`,
        encoding: 'base64',
        content: file.gzip,
      },
    ],
  );
}
