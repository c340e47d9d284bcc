import type { DnsAnswer, RecordType } from '@postern/core';
import type { SpfResult } from './spf-result.ts';

/** Whose name is checked: the domain of the reverse-path (RFC 7208 §2.4), or the name that the client said HELO with (§2.3). */
export type SpfIdentity = 'mailfrom' | 'helo';

/** One term of one domain's record. */
export interface SpfTermPlace {
  /** Whose record it stands in. */
  readonly domain: string;
  /** As it stands there, qualifier included: `-all`, `include:spf.example.net`. */
  readonly term: string;
  /** Its place among the terms of the record, from 0 on. */
  readonly index: number;
}

/** The term that decided. */
export interface SpfMatch extends SpfTermPlace {
  /**
   * How the evaluation came to that record: the `include` and `redirect` terms that led there, the first record's first.
   * Empty when the term stands in the record of the domain that is checked.
   */
  readonly path: readonly SpfTermPlace[];
}

/** Why a name was looked up. */
export type SpfLookupPurpose =
  /** The record of the domain that is checked, or of one that `include` or `redirect` names. */
  | 'record'
  /** What `a`, `mx`, `ptr` and `exists` ask for. */
  | 'mechanism'
  /** An address of a mail exchanger (RFC 7208 §5.4). */
  | 'mx-address'
  /** The client's names, for the macro `%{p}`. */
  | 'ptr'
  /** Whether such a name leads back to the client (RFC 7208 §5.5). */
  | 'ptr-address'
  /** The text that `exp` names. */
  | 'explanation';

/** One question to DNS. */
export interface SpfLookup {
  readonly name: string;
  readonly type: RecordType;
  readonly purpose: SpfLookupPurpose;
  readonly answer: DnsAnswer;
  /** What it took of the terms that may ask DNS (RFC 7208 §4.6.4). */
  readonly cost: 0 | 1;
  /** Whether it took one of the void lookups: the name does not exist, or has nothing of that type. */
  readonly void: boolean;
}

/** What the evaluation of one identity found (RFC 7208 §4.1, `check_host()`). Plain JSON. */
export interface SpfEvaluation {
  readonly result: SpfResult;
  readonly identity: SpfIdentity;
  /** The domain whose record was evaluated: lower case, A-labels; `''` when there is none to look up. */
  readonly domain: string;
  /**
   * The mailbox that was checked: the reverse-path with at most 512 characters of its local part, or `postmaster@` the HELO
   * name (RFC 7208 §2.4, §4.3). As the client sent it.
   */
  readonly sender: string;
  /** The client's address; an IPv4-mapped IPv6 address as IPv4. What is no address, printable and at most 64 characters. */
  readonly ip: string;
  /** The name that the client said HELO with, at most 255 characters of it. */
  readonly heloName: string;
  /** The domain's record; `undefined` when there is none, or more than one. */
  readonly record: string | undefined;
  /** The term that decided; `undefined` when none did, as with `none`, errors, and `neutral` for want of a match. */
  readonly matched: SpfMatch | undefined;
  /**
   * With `fail`: what the domain's owner has to say about it (`exp`, RFC 7208 §6.2), macros expanded; printable US-ASCII,
   * at most 500 characters. A stranger wrote it.
   */
  readonly explanation: string | undefined;
  /** With `none`, `temperror` and `permerror`: why there is no answer, one sentence for a person. */
  readonly problem: string | undefined;
  /** The terms that asked DNS, of those that may (10 by default, RFC 7208 §4.6.4). */
  readonly lookupTerms: number;
  /** How many of their lookups were void. */
  readonly voidLookups: number;
  /** Every question, in the order in which they were asked. */
  readonly lookups: readonly SpfLookup[];
}

/**
 * Both identities: at the top level the reverse-path's evaluation, or with a null reverse-path that of
 * `postmaster@` the HELO name.
 */
export interface SpfCheck extends SpfEvaluation {
  /** The HELO identity's evaluation. With a null reverse-path, the same as at the top level. */
  readonly helo: SpfEvaluation;
}
