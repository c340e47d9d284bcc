import type { DmarcPolicy } from './dmarc-policy.ts';

/**
 * What is odd about a record, for its owner to read. Nothing of it keeps the record from being used, but for a policy that
 * is none.
 *
 * - `removed-tag`: `pct`, `rf` or `ri` of RFC 7489, which RFC 9989 has taken out. Without effect.
 * - `removed-size`: a `!10m` behind a URI, taken out as well. The URI counts, the size does not.
 * - `unknown-tag`: not in the registry (RFC 9989 §9.3). Without effect.
 * - `invalid-value`: the default counts instead (RFC 9989 §4.8); what that is for `p`, `sp` and `np` says §4.10.1.
 * - `duplicate-tag`: given twice with two values, which is no value (RFC 6376 §3.2).
 * - `syntax`: something between two semicolons that is no tag. Without effect.
 * - `no-policy`: there is no `p` (RFC 9989 §4.7: recommended).
 * - `invalid-uri`: an address of `rua` or `ruf` that is no URI. Left out.
 * - `too-many`: more than 64 tags, or more than 20 addresses. The rest is left out.
 */
export type DmarcRecordNoteCode =
  | 'removed-tag'
  | 'removed-size'
  | 'unknown-tag'
  | 'invalid-value'
  | 'duplicate-tag'
  | 'syntax'
  | 'no-policy'
  | 'invalid-uri'
  | 'too-many';

/** Something odd about a record. */
export interface DmarcRecordNote {
  readonly code: DmarcRecordNoteCode;
  /** The tag, or what stands where one should be; at most 64 characters of the record. */
  readonly at: string;
}

/** Where reports are to go (RFC 9989 §4.6). */
export interface DmarcReportUri {
  /** As it stands in the record, without an obsolete size. */
  readonly uri: string;
  /** The mailbox of a `mailto:` URI, percent-decoded; `undefined` for another scheme, or when it is no mailbox. */
  readonly address: string | undefined;
  /** The domain of that mailbox, in lower case and A-labels: it may have to agree to getting reports (RFC 9990). */
  readonly domain: string | undefined;
}

/** When the owner wants failure reports (RFC 9989 §4.7 `fo`). */
export type DmarcFailureOption = '0' | '1' | 'd' | 's';

/** A DMARC policy record (RFC 9989 §4.7), with the defaults in place of what is missing or invalid. Frozen. */
export interface DmarcRecord {
  /** As it stands in DNS. */
  readonly text: string;
  /**
   * What the owner asks for. `none` without a valid `p`, or with an invalid `sp` or `np`, when there is an address for
   * aggregate reports; `undefined` when there is none of these either: no DMARC then (RFC 9989 §4.10.1).
   */
  readonly p: DmarcPolicy | undefined;
  /** For existing subdomains; `undefined`: as `p`. */
  readonly sp: DmarcPolicy | undefined;
  /** For subdomains that do not exist; `undefined`: as `sp`. */
  readonly np: DmarcPolicy | undefined;
  /** `y`: a public suffix; `n`: an organizational domain; `u`, the default: the tree walk tells. */
  readonly psd: 'y' | 'n' | 'u';
  /** The owner is testing: the policy is to be applied one level lower (`t=y`). Default `false`. */
  readonly testing: boolean;
  /** Alignment of DKIM: `r`elaxed, the default, or `s`trict. */
  readonly adkim: 'r' | 's';
  /** Alignment of SPF, likewise. */
  readonly aspf: 'r' | 's';
  /** Default `['0']`. Without `ruf` it means nothing. */
  readonly fo: readonly DmarcFailureOption[];
  /** Where aggregate reports are to go; empty: nobody wants any. At most 20. */
  readonly rua: readonly DmarcReportUri[];
  /** Where failure reports are to go; empty: nobody wants any. At most 20. */
  readonly ruf: readonly DmarcReportUri[];
  /** What is odd about it; at most 100. */
  readonly notes: readonly DmarcRecordNote[];
}
