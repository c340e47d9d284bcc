import {
  formatIp,
  type HeaderFields,
  HeaderParser,
  type MethodResult,
  OptionReader,
  parseAuthenticationResults,
  parseIp,
} from '@postern/core';
import type { AuthFailure, DeliveryResult } from './failure-report.ts';
import { type MimePart, readMimeParts } from './mime-part.ts';
import { ProblemList, type ReportProblem } from './problem-list.ts';

/** The bounds of `parseFailureReport`. */
export interface FailureParseOptions {
  /** The most bytes of the message. Default 10,485,760 (10 MiB). */
  readonly maxBytes?: number;
}

/** A failure report that was read. Whatever it says, its reporter says so, and nobody has checked that. */
export interface ParsedFailureReport {
  /** `auth-failure`, or another type of RFC 5965 such as `abuse`, in lower case. */
  readonly feedbackType: string;
  readonly userAgent: string | undefined;
  readonly authFailure: AuthFailure | 'unknown';
  readonly reportedDomain: string | undefined;
  /** The mechanisms that did not authenticate an aligned identifier. */
  readonly identityAlignment: readonly ('dkim' | 'spf')[];
  readonly sourceIp: string | undefined;
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number | undefined;
  /** What the reporter found, as its Authentication-Results field says. */
  readonly results: readonly MethodResult[];
  /** The reverse-path, without angle brackets. */
  readonly mailFrom: string | undefined;
  readonly recipients: readonly string[];
  readonly envelopeId: string | undefined;
  readonly deliveryResult: DeliveryResult | undefined;
  readonly dkimDomain: string | undefined;
  readonly dkimSelector: string | undefined;
  readonly dkimIdentity: string | undefined;
  readonly spfDns: readonly string[];
  /** How many messages it is about (RFC 5965 §3.2). */
  readonly incidents: number;
  /** All fields of the report, these and others. */
  readonly fields: HeaderFields;
  /** The message that failed, or its header, as it was quoted; its local parts may be redacted. */
  readonly original: { readonly header: HeaderFields; readonly body: Uint8Array } | undefined;
}

/** A report, with all that is odd about it, or why there is none. */
export type FailureParseResult =
  | { readonly ok: true; readonly report: ParsedFailureReport; readonly problems: readonly ReportProblem[] }
  | { readonly ok: false; readonly reason: 'too-large' | 'not-a-report'; readonly detail: string };

const AUTH_FAILURES = ['adsp', 'bodyhash', 'dmarc', 'revoked', 'signature', 'spf'] as const;
const DELIVERY_RESULTS = ['delivered', 'spam', 'policy', 'reject', 'other'] as const;
const QUOTED_TYPES: ReadonlySet<string> = new Set(['message/rfc822', 'message/global', 'text/rfc822-headers']);
const MAX_VALUES = 50;

/**
 * Reads a failure report of others: a whole message with a `message/feedback-report` part (RFC 5965, RFC 6591, RFC 9991).
 * Never throws on bytes; bounded in bytes, parts and fields, and takes time linear in them. What is missing or unknown is
 * listed in `problems`.
 *
 * @throws TypeError or RangeError that names the option; TypeError when `message` is no `Uint8Array`
 *
 * @example
 * ```ts
 * import { parseFailureReport } from '@postern/spf-dmarc/reports';
 *
 * const result = parseFailureReport(message);
 * if (result.ok) console.log(result.report.reportedDomain, result.report.sourceIp, result.report.authFailure);
 * ```
 */
export function parseFailureReport(message: Uint8Array, options?: FailureParseOptions): FailureParseResult {
  if (!(message instanceof Uint8Array)) throw new TypeError('parseFailureReport: message must be a Uint8Array');
  const read = new OptionReader('parseFailureReport', options);
  const maxBytes = read.integer('maxBytes', 10_485_760, { min: 1 });
  read.done();
  if (message.length > maxBytes) {
    return { ok: false, reason: 'too-large', detail: `The message has more than ${maxBytes} bytes.` };
  }
  const mime = readMimeParts(message);
  const parts = mime.ok ? mime.parts : [];
  const feedback = parts.find(({ type }) => type.type === 'message/feedback-report');
  const fields = feedback === undefined ? undefined : readHeader(feedback.content)?.header;
  if (fields === undefined) {
    return { ok: false, reason: 'not-a-report', detail: 'The message has no part with a feedback report.' };
  }
  const problems = new ProblemList();
  const report = readReport(fields, parts, problems);
  return { ok: true, report, problems: problems.list };
}

function readReport(fields: HeaderFields, parts: readonly MimePart[], problems: ProblemList): ParsedFailureReport {
  const optional = (name: string): string | undefined => fields.first(name)?.value;
  const required = (name: string): string | undefined => {
    const value = optional(name);
    if (value === undefined) problems.unexpected(name, '');
    return value;
  };
  const word = <T extends string>(name: string, words: readonly T[]): T | undefined => {
    const value = optional(name);
    const found = words.find((each) => each === value?.toLowerCase());
    if (value !== undefined && found === undefined) problems.unexpected(name, value);
    return found;
  };
  const all = (name: string): readonly string[] =>
    fields
      .all(name)
      .slice(0, MAX_VALUES)
      .map(({ value }) => value);
  const quoted = parts.find(({ type }) => QUOTED_TYPES.has(type.type));
  const mailFrom = optional('Original-Mail-From');
  const authFailure = word('Auth-Failure', AUTH_FAILURES);
  if (optional('Auth-Failure') === undefined) problems.unexpected('Auth-Failure', '');
  return {
    feedbackType: required('Feedback-Type')?.toLowerCase() ?? '',
    userAgent: optional('User-Agent'),
    authFailure: authFailure ?? 'unknown',
    reportedDomain: required('Reported-Domain'),
    identityAlignment: readAlignment(optional('Identity-Alignment'), problems),
    sourceIp: readAddress(optional('Source-IP'), problems),
    arrivedAt: readDate(optional('Arrival-Date') ?? optional('Received-Date'), problems),
    results: readResults(fields, problems),
    mailFrom: mailFrom === undefined ? undefined : withoutBrackets(mailFrom),
    recipients: all('Original-Rcpt-To').map(withoutBrackets),
    envelopeId: optional('Original-Envelope-Id'),
    deliveryResult: word('Delivery-Result', DELIVERY_RESULTS),
    dkimDomain: optional('DKIM-Domain'),
    dkimSelector: optional('DKIM-Selector'),
    dkimIdentity: optional('DKIM-Identity'),
    spfDns: all('SPF-DNS'),
    incidents: readIncidents(optional('Incidents'), problems),
    fields,
    original: quoted === undefined ? undefined : readHeader(quoted.content),
  };
}

function readHeader(content: Uint8Array): { readonly header: HeaderFields; readonly body: Uint8Array } | undefined {
  const parser = new HeaderParser();
  let state = parser.write(content);
  if (state.kind === 'incomplete') state = parser.end();
  return state.kind === 'complete' ? { header: state.header, body: state.rest } : undefined;
}

/** RFC 5322 §3.3 and §4.3, without comments. `Date.parse` alone makes a date of nearly anything. */
const DATE =
  /^(?:[A-Za-z]{3},?\s+)?[0-9]{1,2}\s+[A-Za-z]{3}\s+[0-9]{4}\s+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?\s+(?:[+-][0-9]{4}|[A-Z]{1,4})\s*$/i;
const LONGEST_DATE = 100;

/** RFC 9991 §4: `none`, or names of mechanisms in a list. */
function readAlignment(value: string | undefined, problems: ProblemList): readonly ('dkim' | 'spf')[] {
  const words = (value ?? '')
    .toLowerCase()
    .split(',', MAX_VALUES)
    .map((word) => word.trim());
  const found = (['dkim', 'spf'] as const).filter((mechanism) => words.includes(mechanism));
  if (value !== undefined && found.length === 0 && !words.includes('none'))
    problems.unexpected('Identity-Alignment', value);
  return found;
}

function readAddress(value: string | undefined, problems: ProblemList): string | undefined {
  if (value === undefined) return undefined;
  const ip = parseIp(value.replace(/^\[?(?:ipv6:)?/i, '').replace(/\]$/, ''));
  if (ip === undefined) problems.unexpected('Source-IP', value);
  return ip === undefined ? undefined : formatIp(ip);
}

function readDate(value: string | undefined, problems: ProblemList): number | undefined {
  if (value === undefined) return undefined;
  // RFC 5322 §3.2.2: comments, such as the name of a time zone.
  const text = value
    .slice(0, LONGEST_DATE)
    .replace(/\([^()]*\)/g, '')
    .trim();
  const date = DATE.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date)) problems.unexpected('Arrival-Date', value);
  return Number.isNaN(date) ? undefined : date;
}

function readResults(fields: HeaderFields, problems: ProblemList): readonly MethodResult[] {
  const value = fields.first('Authentication-Results')?.value;
  const parsed = value === undefined ? undefined : parseAuthenticationResults(value);
  if (parsed === undefined) problems.unexpected('Authentication-Results', value ?? '');
  return parsed?.results ?? [];
}

function readIncidents(value: string | undefined, problems: ProblemList): number {
  if (value === undefined) return 1;
  if (/^[0-9]{1,9}$/.test(value)) return Number(value);
  problems.unexpected('Incidents', value);
  return 1;
}

function withoutBrackets(value: string): string {
  return value.startsWith('<') && value.endsWith('>') ? value.slice(1, -1) : value;
}
