/** Something in a report that is not as the RFC has it. */
export interface ReportProblem {
  /** Where: names of elements or fields from the outermost on, such as `record/row/count`. */
  readonly at: string;
  /** What: one sentence for a person; what it quotes of the report has at most 64 characters. */
  readonly message: string;
  /** How often. */
  readonly count: number;
}

/** So many different problems are told; a report can be wrong in each of its rows. */
const MAX_PROBLEMS = 50;
const LONGEST_QUOTED = 64;

/** Gathers problems, equal ones counted together, at most 50. */
export class ProblemList {
  readonly #problems = new Map<string, ReportProblem>();

  add(at: string, message: string): void {
    const key = `${at}\n${message}`;
    const known = this.#problems.get(key);
    if (known === undefined && this.#problems.size >= MAX_PROBLEMS) return;
    this.#problems.set(key, { at, message, count: (known?.count ?? 0) + 1 });
  }

  /** A value that is none of those that may stand there. */
  unexpected(at: string, value: string): void {
    this.add(at, value === '' ? 'There is none.' : `This is no value for it: ${JSON.stringify(cut(value))}`);
  }

  get list(): readonly ReportProblem[] {
    return [...this.#problems.values()];
  }
}

function cut(value: string): string {
  return value.length > LONGEST_QUOTED ? `${value.slice(0, LONGEST_QUOTED)}…` : value;
}
