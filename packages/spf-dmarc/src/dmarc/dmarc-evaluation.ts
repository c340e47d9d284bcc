import type { DnsFailureReason } from '@postern/core';
import type { DkimResult } from '../dkim/dkim-result.ts';
import type { SpfResult } from '../spf/spf-result.ts';
import type { DmarcOverride } from './dmarc-override.ts';
import type { DmarcPolicy } from './dmarc-policy.ts';
import type { DmarcRecord } from './dmarc-record.ts';
import type { DmarcResult } from './dmarc-result.ts';

/**
 * Why a DMARC result is what it is.
 *
 * - `pass`: `aligned`
 * - `fail`: `not-aligned`
 * - `none`: `no-record`; `no-author-domain` (an address literal, or a group of no mailboxes: the message is well-formed, and
 *   names no domain)
 * - `temperror`: `dns` (of DMARC's own lookups), `authentication` (an aligned identifier had a temporary error)
 * - `permerror`: `unusable-record` (RFC 9989 §4.10.1); and what keeps a message from having one author domain (§4.4, §5.3.1):
 *   `no-from`, `several-from`, `several-author-domains`, `bad-from`, `bad-author-domain`
 */
export type DmarcReason =
  | 'aligned'
  | 'not-aligned'
  | 'no-record'
  | 'no-author-domain'
  | 'dns'
  | 'authentication'
  | 'unusable-record'
  | 'no-from'
  | 'several-from'
  | 'several-author-domains'
  | 'bad-from'
  | 'bad-author-domain';

/**
 * How an identifier stands to the author domain (RFC 9989 §3.2.10).
 *
 * - `strict`: it is the same domain.
 * - `relaxed`: it has the same organizational domain. Only looked for when the record asks for no more.
 * - `none`: neither.
 * - `unknown`: DNS failed.
 * - `not-compared`: SPF or DKIM has not authenticated it; or it is one of more than ten domains that would each need a walk.
 *   Identifiers with `temperror` are compared when none with `pass` is aligned.
 */
export type Alignment = 'strict' | 'relaxed' | 'none' | 'unknown' | 'not-compared';

/** An identifier that SPF or DKIM judged. */
export interface DmarcIdentifier<R extends SpfResult | DkimResult = SpfResult | DkimResult> {
  readonly result: R;
  /** In lower case and A-labels; as it was given when it is no domain. */
  readonly domain: string;
  readonly selector?: string;
  readonly alignment: Alignment;
}

/** Who is aligned with the author. */
export interface DmarcAlignment {
  /** Whether SPF has authenticated an aligned domain. */
  readonly spfAligned: boolean;
  /** Whether DKIM has. */
  readonly dkimAligned: boolean;
  readonly spf: DmarcIdentifier<SpfResult> | undefined;
  /** In the order given. */
  readonly dkim: readonly DmarcIdentifier<DkimResult>[];
}

/** What RFC 7489 would have said, with the organizational domain of a public suffix list. For comparison only. */
export interface Rfc7489Comparison {
  readonly result: 'pass' | 'fail' | 'none' | 'temperror';
  readonly organizationalDomain: string;
  readonly policyDomain: string | undefined;
  /** What the owner asks for, `pct` left aside. */
  readonly policy: DmarcPolicy | undefined;
  /** Whether result or policy differ from what RFC 9989 says. */
  readonly differs: boolean;
}

/** What DMARC says of a message. Plain JSON. */
export interface DmarcEvaluation {
  readonly result: DmarcResult;
  readonly reason: DmarcReason;
  /** One sentence for a person. */
  readonly summary: string;
  /**
   * The domain of the From field, in lower case and A-labels (RFC 9989 §5.3.1); of several the one that fares worst,
   * which this evaluation is about (§11.5). `undefined` when there is none to go by.
   */
  readonly authorDomain: string | undefined;
  /** All domains of the From field, or of several From fields: at most 20. */
  readonly authorDomains: readonly string[];
  /** Where the record stands: the author domain, its organizational domain, or a public suffix. */
  readonly policyDomain: string | undefined;
  /** Of the author; `undefined` when it was not looked for: the author domain has a record, and nothing hung on it. */
  readonly organizationalDomain: string | undefined;
  readonly record: DmarcRecord | undefined;
  /** The tag of the record that applies to this author. */
  readonly policyTag: 'p' | 'sp' | 'np' | undefined;
  /** What that tag says. */
  readonly publishedPolicy: DmarcPolicy | undefined;
  /**
   * What the owner asks for: `publishedPolicy`, one level lower under `t=y`. `undefined` without a record, and when DNS did
   * not tell whether the author domain exists and that matters.
   */
  readonly policy: DmarcPolicy | undefined;
  /** What the receiver is to do by its options. Other than `none` for `fail` alone. */
  readonly disposition: DmarcPolicy;
  /** Why the disposition is not `publishedPolicy`, or not `policy`; empty when it is both, or the message did not fail. */
  readonly overrides: readonly DmarcOverride[];
  readonly alignment: DmarcAlignment;
  /** Lookups of DMARC's own, whether the resolver's cache answered them or not. */
  readonly queries: number;
  /** Why DNS failed, when it did. */
  readonly failure: DnsFailureReason | undefined;
  /** The name for which it failed. */
  readonly failedName?: string | undefined;
  /** The names at which several records stand, which count as none (RFC 9989 §4.10); absent when there is no such name. */
  readonly ambiguousNames?: readonly string[] | undefined;
  /** Only with the option `registrableDomain`. */
  readonly rfc7489: Rfc7489Comparison | undefined;
}
