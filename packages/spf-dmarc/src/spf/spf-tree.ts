import type { SpfQualifier } from './spf-record.ts';

/** How many void lookups a client of each family meets. */
export interface SpfVoidLookups {
  readonly ip4: number;
  readonly ip6: number;
}

/** A host whose addresses a term stands for. */
export interface SpfTreeHost {
  readonly name: string;
  /** The networks around its addresses. */
  readonly networks: readonly string[];
  /** Why nothing is known of its addresses, or not of all of them. */
  readonly failure?: string;
}

/**
 * What is known of a term.
 *
 * - `known`: which addresses match it.
 * - `depends`: it matches by the message, the client's names or the time, as `ptr` and most macros do.
 * - `failed`: a lookup failed. The client may match or not.
 * - `unasked`: a bound of the lint was reached.
 * - `permerror`: who evaluates it gets a `permerror`.
 * - `ignored`: it stands behind `all`, or is a modifier without effect here.
 */
export type SpfTermStatus = 'known' | 'depends' | 'failed' | 'unasked' | 'permerror' | 'ignored';

/** One term of a record and what it costs. */
export interface SpfTreeTerm {
  /** As it stands in the record. */
  readonly text: string;
  /** `include`, `ip4`, `redirect`, …; of an unknown modifier its name. In lower case. */
  readonly name: string;
  /** What a match means; modifiers have none. */
  readonly qualifier?: SpfQualifier;
  readonly status: SpfTermStatus;
  /** What is wrong with it, for a person. */
  readonly problem?: string;
  /** The name that is asked for, macros expanded. */
  readonly target?: string;
  /** What `all`, `ip4`, `ip6` and an `exists` without macros match. */
  readonly networks?: readonly string[];
  /** What `a` and `mx` lead to. */
  readonly hosts?: readonly SpfTreeHost[];
  /** What `include` and `redirect` lead to. */
  readonly record?: SpfTreeRecord;
  /** Of the 10 terms that may ask DNS (RFC 7208 §4.6.4): itself and those of what it leads to, evaluated to the end. */
  readonly lookupTerms: number;
  /** The same of the 2 void lookups. */
  readonly voidLookups: SpfVoidLookups;
}

/**
 * What was found at a name.
 *
 * - `record`: one record that can be read.
 * - `none`: no record. For an `include` or a `redirect` that is a `permerror`.
 * - `several`, `syntax-error`: a `permerror`.
 * - `loop`: the name stands above itself in the tree. A client that comes here comes here again, until it is a
 *   `permerror`.
 * - `failed`: the lookup failed; whether there is a record is not known.
 * - `unasked`: a bound of the lint was reached.
 */
export type SpfRecordStatus = 'record' | 'none' | 'several' | 'syntax-error' | 'loop' | 'failed' | 'unasked';

/** A record with all that it leads to. Plain JSON; what is not printable US-ASCII stands in it as `\xff`. */
export interface SpfTreeRecord {
  readonly domain: string;
  readonly status: SpfRecordStatus;
  /** The record's text. */
  readonly record?: string;
  /** What is wrong with it, for a person. */
  readonly problem?: string;
  /** With `syntax-error`: the first term that cannot be read. */
  readonly wrongTerm?: string;
  /** TXT records at the name that look like SPF records and are none; with `several`, all of them. At most 10. */
  readonly others: readonly string[];
  /** How many octets the TXT records at the name have together. */
  readonly txtBytes: number;
  readonly terms: readonly SpfTreeTerm[];
  readonly lookupTerms: number;
  readonly voidLookups: SpfVoidLookups;
}
