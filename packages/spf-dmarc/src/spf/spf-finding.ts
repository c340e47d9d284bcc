import type { AuditFinding } from '@postern/core';

/**
 * What {@link lintSpf} can find. `critical` are those with which receivers get a `permerror`, let anybody pass, or have
 * nothing to go by.
 *
 * - critical: `no-record`, `not-a-domain`, `several-records`, `syntax-error`, `include-without-record`, `include-loop`,
 *   `impossible-name` of an `include` or `redirect`, `too-many-lookups`, `too-many-void-lookups`, `too-many-exchanges`,
 *   `passes-everybody`
 * - warning: `many-lookups`, `neutral-all`, `missing-all`, `term-after-all`, `redirect-ignored`, `ptr-mechanism`,
 *   `ptr-macro`, `explanation-unusable`, `repeated-include`, `void-lookup`, `broad-network`, `special-network`,
 *   `mapped-network`, `modifier-for-mechanism`, `joined-records`, `odd-name`, `stray-record`, `large-answer`,
 *   `lookup-failed`, `impossible-name` of another term, `passes-nobody` when the record names somebody
 * - info: `lookups`, `fail-all`, `softfail-all`, `passes-nobody`, `duplicate-term` (a warning when it costs a lookup),
 *   `overlapping-networks`, `host-bits-set`, `unknown-modifier`, `odd-spelling`, `depends-on-message`, `long-record`,
 *   `sender-id-record`, `not-followed`, `more-findings`
 */
export type SpfFindingCode =
  | 'no-record'
  | 'not-a-domain'
  | 'several-records'
  | 'syntax-error'
  | 'include-without-record'
  | 'include-loop'
  | 'impossible-name'
  | 'too-many-lookups'
  | 'too-many-void-lookups'
  | 'too-many-exchanges'
  | 'passes-everybody'
  | 'many-lookups'
  | 'neutral-all'
  | 'missing-all'
  | 'term-after-all'
  | 'redirect-ignored'
  | 'ptr-mechanism'
  | 'ptr-macro'
  | 'explanation-unusable'
  | 'repeated-include'
  | 'void-lookup'
  | 'broad-network'
  | 'special-network'
  | 'mapped-network'
  | 'modifier-for-mechanism'
  | 'joined-records'
  | 'odd-name'
  | 'stray-record'
  | 'large-answer'
  | 'lookup-failed'
  | 'lookups'
  | 'fail-all'
  | 'softfail-all'
  | 'passes-nobody'
  | 'duplicate-term'
  | 'overlapping-networks'
  | 'host-bits-set'
  | 'unknown-modifier'
  | 'odd-spelling'
  | 'depends-on-message'
  | 'long-record'
  | 'sender-id-record'
  | 'not-followed'
  | 'more-findings';

/** One thing that a domain's owner wants to know. `evidence.domain` says whose record it is about. */
export type SpfFinding = AuditFinding<SpfFindingCode>;
