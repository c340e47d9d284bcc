import { randomUUID } from 'node:crypto';
import {
  formatAuthenticationResults,
  formatHeaderField,
  type HeaderFields,
  type MethodResult,
  parseIp,
} from '@postern/core';
import type { Redaction } from './failure-redaction.ts';
import type { FailureFacts } from './failure-report.ts';
import { formatReportMail, type MailPart, mailDate, type ReportMail } from './report-mail.ts';
import type { Reporter } from './reporter.ts';

/** The message that failed. */
export interface FailedMessage {
  readonly header: HeaderFields;
  /** Its body, or the beginning of it. Default: the report has the header only. */
  readonly body?: Uint8Array;
}

/** How a failure report is written. */
export interface FailureFormat {
  readonly reporter: Reporter;
  readonly recipient: string;
  readonly date: number;
  /** `undefined`: addresses stand as they are. */
  readonly redaction: Redaction | undefined;
  /** The most bytes of the message that are quoted. */
  readonly maxQuotedBytes: number;
}

const LONGEST_VALUE = 1_000;
const MAX_RECIPIENTS = 10;
const MAX_RECORDS = 10;
/** What is cut, or bounded, in its parts. */
const UNCUT: ReadonlySet<string> = new Set(['SPF-DNS', 'Authentication-Results']);

/**
 * A failure report (RFC 9991 over RFC 6591 and RFC 5965): `multipart/report` of a text for a person, the
 * `message/feedback-report`, and the header of the message, with its body if that is to be shown.
 */
export function failureMail(facts: FailureFacts, message: FailedMessage, format: FailureFormat): ReportMail {
  const { reporter, recipient, date } = format;
  const { reportedDomain, sourceIp, arrivedAt } = facts;
  const domain = oneLine(reportedDomain);
  const text =
    'This is an authentication failure report for a message that came\r\n' +
    `from ${oneLine(sourceIp)} on ${mailDate(arrivedAt)}\r\n` +
    `with ${domain} as the domain of its author.\r\n`;
  return formatReportMail(
    {
      from: reporter.email,
      recipient,
      subject: `DMARC failure report for ${domain}`,
      messageId: `${randomUUID()}@${reporter.domain}`,
      date,
      type: 'multipart/report; report-type=feedback-report',
    },
    [
      { type: 'text/plain; charset=us-ascii', encoding: '7bit', content: Buffer.from(text) },
      { type: 'message/feedback-report', encoding: '8bit', content: Buffer.from(feedbackFields(facts, format)) },
      quotedMessage(message, format),
    ],
  );
}

function feedbackFields(facts: FailureFacts, { reporter, redaction }: FailureFormat): string {
  const { identityAlignment, mailFrom, recipients, envelopeId, deliveryResult, dkim } = facts;
  const shown = (address: string): string => (redaction === undefined ? address : redaction.address(address));
  const ip = parseIp(facts.sourceIp);
  const results = facts.results.map((result) => (redaction === undefined ? result : redactResult(result, redaction)));
  const fields: (readonly [string, string])[] = [
    ['Feedback-Type', 'auth-failure'],
    ['User-Agent', reporter.generator],
    ['Version', '1'],
    ['Auth-Failure', facts.authFailure],
    ['Authentication-Results', formatAuthenticationResults({ authservId: reporter.domain, results })],
    ['Identity-Alignment', identityAlignment.length === 0 ? 'none' : identityAlignment.join(', ')],
    ['Reported-Domain', facts.reportedDomain],
    ['Arrival-Date', mailDate(facts.arrivedAt)],
  ];
  if (ip !== undefined) fields.push(['Source-IP', facts.sourceIp]);
  if (mailFrom !== undefined) fields.push(['Original-Mail-From', `<${shown(mailFrom)}>`]);
  for (const each of recipients?.slice(0, MAX_RECIPIENTS) ?? []) fields.push(['Original-Rcpt-To', `<${shown(each)}>`]);
  if (envelopeId !== undefined) fields.push(['Original-Envelope-Id', envelopeId]);
  if (deliveryResult !== undefined) fields.push(['Delivery-Result', deliveryResult]);
  if (dkim !== undefined) {
    fields.push(
      ['DKIM-Domain', dkim.domain],
      ['DKIM-Identity', shown(dkim.identity)],
      ['DKIM-Selector', dkim.selector],
    );
  }
  for (const { domain, record } of facts.spfDns?.slice(0, MAX_RECORDS) ?? []) {
    // RFC 6591 §3.2.6.
    fields.push(['SPF-DNS', `txt : ${domain} : "${cut(record).replace(/["\\]/g, '\\$&')}"`]);
  }
  return fields.map(([name, value]) => formatHeaderField(name, UNCUT.has(name) ? value : cut(value))).join('');
}

/** `smtp.mailfrom` and `header.i` have local parts as well. */
function redactResult({ reason, properties = [], ...result }: MethodResult, redaction: Redaction): MethodResult {
  return {
    ...result,
    ...(reason !== undefined && { reason: redaction.field('', reason, LONGEST_VALUE) }),
    properties: properties.map((each) => ({ ...each, value: redaction.field('', each.value, LONGEST_VALUE) })),
  };
}

/** RFC 5965 §2: the message, or its header as `text/rfc822-headers`. Lines end with CRLF, and no NUL is left. */
function quotedMessage({ header, body }: FailedMessage, format: FailureFormat): MailPart {
  const quoted = Buffer.from(quotedHeader(header, format), 'latin1');
  const rest = format.maxQuotedBytes - quoted.length;
  if (body === undefined || rest <= 0) return { type: 'text/rfc822-headers', encoding: '8bit', content: quoted };
  const shown = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, rest)).toString('latin1');
  const content = Buffer.concat([quoted, Buffer.from(`\r\n${withLineEnds(shown)}`, 'latin1')]);
  return { type: 'message/rfc822', encoding: '8bit', content };
}

/** Whole fields, as many as fit. */
function quotedHeader(header: HeaderFields, { redaction, maxQuotedBytes }: FailureFormat): string {
  let text = '';
  for (const { name, raw } of header.fields) {
    // latin1 keeps bytes as they are, whatever they mean.
    const field = withLineEnds(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1'));
    const line = field.endsWith('\r\n') ? field : `${field}\r\n`;
    const left = maxQuotedBytes - text.length;
    const shown = redaction === undefined ? line : redaction.field(name, line, left);
    if (shown.length > left) break;
    text += shown;
  }
  return text;
}

function withLineEnds(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n').replaceAll('\0', ' ');
}

function cut(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

/** For a subject, and a text that a person reads. */
function oneLine(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 255);
}
