import type { JsonObject } from './json.ts';

/**
 * `critical`: mail or protection is lost now. `warning`: it may be, or will be soon. `info`: worth knowing; what is as it
 * should be stands here too.
 */
export type AuditSeverity = 'critical' | 'warning' | 'info';

/**
 * One thing that an audit of somebody's own setup found: of an SPF record, a DKIM key, a TLS server, a domain's mail
 * exchangers. Written for the person who can change it. Plain JSON.
 */
export interface AuditFinding<Code extends string = string> {
  /** In kebab-case, one for each kind of finding: `too-many-lookups`. What programs compare. */
  readonly code: Code;
  readonly severity: AuditSeverity;
  /** What is so, in one sentence for a person. */
  readonly message: string;
  /** What to do about it; `''` when nothing needs to be done. */
  readonly advice: string;
  /** What the finding stands on: names, records, counts. */
  readonly evidence: JsonObject;
}
