import type { AuditSeverity, JsonObject } from '@postern/core';
import type { SpfFinding, SpfFindingCode } from './spf-finding.ts';

/** Of each code; a hostile record could bring thousands. */
const MOST_OF_ONE = 20;

const ranks: Readonly<Record<AuditSeverity, number>> = { critical: 0, warning: 1, info: 2 };

/** Collects findings: each once, and at most 20 of one code. */
export class SpfFindings {
  readonly #findings: SpfFinding[] = [];
  readonly #seen = new Set<string>();
  readonly #counts = new Map<SpfFindingCode, number>();

  add(code: SpfFindingCode, severity: AuditSeverity, message: string, advice: string, evidence: JsonObject): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    // A record that is included twice is judged twice.
    const key = count > MOST_OF_ONE ? '' : JSON.stringify([code, evidence]);
    if (this.#seen.has(key)) return;
    this.#counts.set(code, count);
    if (count > MOST_OF_ONE) return;
    this.#seen.add(key);
    this.#findings.push({ code, severity, message, advice, evidence });
  }

  has(code: SpfFindingCode): boolean {
    return this.#counts.has(code);
  }

  /** The worst first, and otherwise in the order in which they came. */
  sorted(): readonly SpfFinding[] {
    for (const [code, count] of [...this.#counts]) {
      if (count <= MOST_OF_ONE) continue;
      const more = count - MOST_OF_ONE;
      this.add('more-findings', 'info', `There are ${more} more findings of the kind ${code}.`, '', { code, more });
    }
    return this.#findings.toSorted((one, other) => ranks[one.severity] - ranks[other.severity]);
  }
}
