import { formatIp, mailboxPath, parseIp } from '@postern/core';
import type { DkimSignatureResult } from '../dkim/dkim-signature-result.ts';
import type { DmarcEvaluation, DmarcIdentifier } from '../dmarc/dmarc-evaluation.ts';
import type { DmarcRecord, DmarcReportUri } from '../dmarc/dmarc-record.ts';
import type {
  PolicyOverride,
  PublishedPolicy,
  ReportedDisposition,
  ReportedDkim,
  ReportedMessage,
} from './aggregate-report.ts';

/** One evaluated message, as an {@link AggregateCollector} takes it. */
export interface AggregateRecord {
  readonly policy: PublishedPolicy;
  /** Where the owner wants reports. Empty: nobody is told, and nothing is recorded. */
  readonly rua: readonly DmarcReportUri[];
  readonly message: ReportedMessage;
  /** What is wrong with the policy record, for its owner. Default: nothing. */
  readonly errors?: readonly string[];
}

/** What is known of a message when it has been judged. */
export interface AggregateRecordInput {
  /** The client's address. */
  readonly ip: string;
  readonly dmarc: DmarcEvaluation;
  /** The reverse-path; `''` for the null one. Default: its domain is not reported. */
  readonly mailFrom?: string;
  /** The signatures that `dmarc` was given, in that order: the report then says why those failed that did. */
  readonly dkim?: readonly DkimSignatureResult[];
  /** The recipients' domain. It tells the owner where mail is forwarded to. Default: not reported. */
  readonly recipientDomain?: string;
  /** What was done with the message in the end. Default: the disposition of `dmarc`. */
  readonly disposition?: 'none' | 'quarantine' | 'reject';
  /** Why that is not what the owner asks for. Default: the overrides of `dmarc`. */
  readonly overrides?: readonly PolicyOverride[];
}

/** RFC 9990 §3.1.3: no more than so many signatures for a row. Fewer, as each combination of them is a row of its own. */
const MAX_SIGNATURES = 10;
const MAX_ERRORS = 5;
const LONGEST_DOMAIN = 255;

/**
 * What an aggregate report says of an evaluated message; `undefined` when nobody wants to know: no record, no policy, or no
 * address for reports.
 *
 * Signatures stand in the order of RFC 9990 §3.1.3: those that pass and are aligned first; at most 10, each once. Of the
 * reverse-path and the recipients there are only domains (RFC 9990 §7.2).
 *
 * @example
 * ```ts
 * import { aggregateRecord } from '@postern/spf-dmarc/reports';
 *
 * const record = aggregateRecord({ ip: '192.0.2.1', dmarc, mailFrom: 'news@example.com', dkim });
 * if (record !== undefined) collector.record(record);
 * ```
 */
export function aggregateRecord(input: AggregateRecordInput): AggregateRecord | undefined {
  const { dmarc, mailFrom, recipientDomain } = input;
  const { record, policyDomain, authorDomain, alignment } = dmarc;
  if (record?.p === undefined || policyDomain === undefined || authorDomain === undefined) return undefined;
  if (record.rua.length === 0) return undefined;
  const spf = alignment.spf;
  const message: ReportedMessage = {
    sourceIp: addressText(input.ip),
    disposition: dispositionOf(input),
    dkim: alignment.dkimAligned ? 'pass' : 'fail',
    spf: alignment.spfAligned ? 'pass' : 'fail',
    reasons: reasonsOf(input),
    headerFrom: authorDomain,
    ...(mailFrom !== undefined && { envelopeFrom: short(mailboxPath(mailFrom).domain) }),
    ...(recipientDomain !== undefined && { envelopeTo: short(recipientDomain) }),
    dkimResults: signaturesOf(alignment.dkim, input.dkim),
    spfResults: spf === undefined ? [] : [{ domain: short(spf.domain), scope: 'mfrom', result: spf.result }],
  };
  const errors = record.notes.slice(0, MAX_ERRORS).map(({ code, at }) => (at === '' ? code : `${code}: ${at}`));
  return { policy: publishedPolicy(policyDomain, record.p, record), rua: record.rua, message, errors };
}

function publishedPolicy(domain: string, p: PublishedPolicy['p'], record: DmarcRecord): PublishedPolicy {
  return {
    domain,
    p,
    sp: record.sp ?? p,
    np: record.np ?? record.sp ?? p,
    adkim: record.adkim,
    aspf: record.aspf,
    fo: record.fo.join(':'),
    testing: record.testing,
    discoveryMethod: 'treewalk',
  };
}

/** The schema of RFC 9990: `pass` is for messages that pass under a policy that would have had an effect. */
function dispositionOf({ dmarc, disposition }: AggregateRecordInput): ReportedDisposition {
  if (dmarc.result !== 'pass') return disposition ?? dmarc.disposition;
  return dmarc.publishedPolicy === 'none' ? 'none' : 'pass';
}

function reasonsOf({ dmarc, overrides }: AggregateRecordInput): readonly PolicyOverride[] {
  if (dmarc.result === 'pass') return [];
  const reasons = overrides ?? dmarc.overrides;
  // RFC 9990 §3.1.1.9: a policy that was not applied needs a reason. Nothing fails for an error that may pass.
  if (reasons.length > 0 || dmarc.result !== 'temperror') return reasons;
  return [{ type: 'other', comment: 'temporary error' }];
}

function signaturesOf(
  identifiers: DmarcEvaluation['alignment']['dkim'],
  details: readonly DkimSignatureResult[] = [],
): readonly ReportedDkim[] {
  const reported = new Map<string, { readonly rank: number; readonly dkim: ReportedDkim }>();
  for (const [index, identifier] of identifiers.entries()) {
    const detail = details.length === identifiers.length ? details[index] : undefined;
    const { result } = identifier;
    const dkim: ReportedDkim = {
      domain: short(identifier.domain),
      selector: short(identifier.selector ?? ''),
      result,
      ...(result !== 'pass' && detail !== undefined && { humanResult: detail.reason }),
    };
    reported.set(`${dkim.domain}\n${dkim.selector}\n${result}`, { rank: rankOf(identifier), dkim });
  }
  const sorted = [...reported.values()].sort((one, other) => one.rank - other.rank);
  return sorted.slice(0, MAX_SIGNATURES).map(({ dkim }) => dkim);
}

/** RFC 9990 §3.1.3: the order in which signatures are worth reporting. */
function rankOf({ result, alignment }: DmarcIdentifier): number {
  if (result !== 'pass') return 3;
  return alignment === 'strict' ? 0 : alignment === 'relaxed' ? 1 : 2;
}

function addressText(ip: string): string {
  const parsed = parseIp(ip);
  return parsed === undefined ? short(ip) : formatIp(parsed);
}

function short(text: string): string {
  return text.slice(0, LONGEST_DOMAIN);
}
