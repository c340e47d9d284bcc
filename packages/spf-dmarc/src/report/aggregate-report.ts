import type { DkimResult } from '../dkim/dkim-result.ts';
import type { DmarcOverrideType } from '../dmarc/dmarc-override.ts';
import type { DmarcPolicy } from '../dmarc/dmarc-policy.ts';
import type { SpfResult } from '../spf/spf-result.ts';

/** The namespace of RFC 9990 §3.1.1.1; reports by RFC 7489 have none, or one of several others. */
export const AGGREGATE_NAMESPACE = 'urn:ietf:params:xml:ns:dmarc-2.0';

/** What the receiver did (RFC 9990 §3.1.1.9). `pass`: the message passed DMARC; `none`: it failed, and nothing was done. */
export type ReportedDisposition = 'none' | 'pass' | 'quarantine' | 'reject';

/** Why the disposition is not what the policy asks for (RFC 9990 §3.1.6). */
export type PolicyOverrideType =
  | DmarcOverrideType
  /** Only of RFC 7489: what was read. Written as `other`. */
  | 'forwarded'
  | 'sampled_out';

export interface PolicyOverride {
  readonly type: PolicyOverrideType;
  /** A few words for the domain owner. */
  readonly comment?: string | undefined;
}

/**
 * The DMARC record that was in force (RFC 9990 §3.1.1.5).
 *
 * @typeParam Unread - `'unknown'` in a report that was read: the word that stands there is none of these, or none does
 */
export interface PublishedPolicy<Unread extends string = never> {
  /** The policy domain: where the record was found. */
  readonly domain: string;
  readonly p: DmarcPolicy | Unread;
  readonly sp?: DmarcPolicy;
  readonly np?: DmarcPolicy;
  /** `r` relaxed, `s` strict. */
  readonly adkim?: 'r' | 's';
  readonly aspf?: 'r' | 's';
  /** The failure reporting options as published, such as `1:d`. */
  readonly fo?: string;
  /** The tag `t`. */
  readonly testing?: boolean;
  /** How the record was found: by the tree walk of RFC 9989, or with a list of public suffixes as by RFC 7489. */
  readonly discoveryMethod?: 'treewalk' | 'psl';
}

/** A DKIM signature as it was verified, whatever DMARC makes of it (RFC 9990 §3.1.1.12). */
export interface ReportedDkim<Unread extends string = never> {
  /** The tag `d`. */
  readonly domain: string;
  /** The tag `s`. `''` when a report that was read has none. */
  readonly selector: string;
  readonly result: DkimResult | Unread;
  readonly humanResult?: string;
}

/** SPF as it was evaluated, whatever DMARC makes of it (RFC 9990 §3.1.1.13). */
export interface ReportedSpf<Unread extends string = never> {
  readonly domain: string;
  /** RFC 9990 knows `mfrom` only; `helo` is of RFC 7489. */
  readonly scope?: 'mfrom' | 'helo';
  readonly result: SpfResult | Unread;
  readonly humanResult?: string;
}

/** Everything by which a report tells messages apart: equal ones are counted together. */
export interface ReportedMessage<Unread extends string = never> {
  /** The client's address, in text. */
  readonly sourceIp: string;
  readonly disposition: ReportedDisposition | Unread;
  /** Whether an aligned DKIM signature passed. */
  readonly dkim: 'pass' | 'fail' | Unread;
  /** Whether SPF passed for an aligned domain. */
  readonly spf: 'pass' | 'fail' | Unread;
  readonly reasons: readonly PolicyOverride[];
  /** The author domain. */
  readonly headerFrom: string;
  /** The domain of MAIL FROM; `''` for the null reverse-path. */
  readonly envelopeFrom?: string;
  /** The domain of the recipients. Not recorded by default: it says where mail is forwarded to. */
  readonly envelopeTo?: string;
  readonly dkimResults: readonly ReportedDkim<Unread>[];
  /** RFC 9990 has one at most; reports by RFC 7489 may have several. */
  readonly spfResults: readonly ReportedSpf<Unread>[];
}

/** So many messages that a report does not tell apart. */
export interface AggregateRow<Unread extends string = never> extends ReportedMessage<Unread> {
  readonly count: number;
}

/** Who reports, about when (RFC 9990 §3.1.1.3). */
export interface ReportMetadata {
  readonly orgName: string;
  /** Where the reporter can be asked. */
  readonly email: string;
  readonly extraContactInfo?: string;
  readonly reportId: string;
  /** The first second of the period, in seconds since the epoch. */
  readonly begin: number;
  /** The last second of the period, in seconds since the epoch. */
  readonly end: number;
  /** What went wrong with the policy record, or is missing in the report. */
  readonly errors: readonly string[];
  /** The name and version of the software that wrote the report. */
  readonly generator?: string;
}

/** An aggregate report (RFC 9990 §3.1): what one receiver saw of one policy domain in one period. */
export interface AggregateReport<Unread extends string = never> {
  readonly metadata: ReportMetadata;
  readonly policy: PublishedPolicy<Unread>;
  readonly rows: readonly AggregateRow<Unread>[];
}
