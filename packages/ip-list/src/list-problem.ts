/**
 * - `not-an-address`, `zone-id`, `bad-prefix-length`: what stands there is no address or prefix; see core's `CidrFault`.
 * - `bad-range`: the ends of a range are in the wrong order or of two families.
 * - `host-bits`: an address inside the prefix was named, such as `192.0.2.1/24`; the prefix's network is taken.
 * - `not-a-domain`: no name that a `DomainList` could have.
 * - `malformed`: the line is not of the format.
 * - `unsupported`: the format knows it, a list cannot say it.
 * - `unknown-action`: a Postfix action that neither accepts nor refuses; the entry lifts what wider ones block, as in Postfix.
 * - `other-data-set`: exclusions of this data set of a combined zone file lift what the others list, which they would not do
 *   in rbldnsd.
 * - `too-wide`: the zone file's own `$MAXRANGE4` forbids it.
 * - `contradiction`: an earlier line of the file says the opposite of the same prefix, and that one counts.
 * - `incomplete`: the file says itself that it had more entries than were found.
 * - `no-such-column`: the header row does not have the column.
 * - `line-too-long`, `nul`: the line was not read at all.
 */
export type ListProblemReason =
  | 'not-an-address'
  | 'zone-id'
  | 'bad-prefix-length'
  | 'bad-range'
  | 'host-bits'
  | 'not-a-domain'
  | 'malformed'
  | 'unsupported'
  | 'unknown-action'
  | 'other-data-set'
  | 'too-wide'
  | 'contradiction'
  | 'incomplete'
  | 'no-such-column'
  | 'line-too-long'
  | 'nul';

/** One line, or one of several entries on it, that is not as it should be. */
export interface ListProblem {
  /** Whose line it is: the file's path, unless the option `source` says something else. */
  readonly source: string;
  /** Counted from 1. */
  readonly line: number;
  /** `skipped`: it has no effect. `taken`: it has the effect that the reason tells of. */
  readonly kind: 'skipped' | 'taken';
  readonly reason: ListProblemReason;
  /** One sentence for a person, with what stands there, cut to 80 characters and with controls escaped. */
  readonly text: string;
}

/** The problems of one reading. */
export interface ListProblems {
  /** How many were skipped, all counted. */
  readonly skipped: number;
  /** How many were taken though not as they should be, all counted. */
  readonly taken: number;
  /** The first 1,000 of both kinds in the order of their lines. */
  readonly first: readonly ListProblem[];
}

const TEXTS: Readonly<Record<ListProblemReason, string>> = {
  'not-an-address': 'is neither an address nor a prefix',
  'zone-id': 'names an interface of some machine',
  'bad-prefix-length': 'has no prefix length that its address family knows',
  'bad-range': 'is no range from a lower to a higher address of the same family',
  'host-bits': 'names an address inside the prefix; its network was taken',
  'not-a-domain': 'is not a domain name',
  malformed: 'is not of the format',
  unsupported: 'cannot be said in a list',
  'unknown-action': 'neither accepts nor refuses; it was taken for an entry that lifts wider ones',
  'other-data-set': 'lifts what other data sets of the file list, or the other way round',
  'too-wide': 'is wider than the $MAXRANGE4 of the file',
  contradiction: 'says the opposite of an earlier line about the same prefix',
  incomplete: 'says that the file had another number of entries',
  'no-such-column': 'is not a column of the header row',
  'line-too-long': 'was longer than a line may be',
  nul: 'contains a NUL, so that it is not text',
};

const MAX_KEPT = 1_000;
const MAX_QUOTED = 80;

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

/** Counts the problems of one reading and keeps the first of them. */
export class ProblemLog implements ListProblems {
  readonly first: ListProblem[] = [];
  skipped: number = 0;
  taken: number = 0;
  readonly #source: string;
  readonly #onProblem: ((problem: ListProblem) => unknown) | undefined;

  constructor(source: string, onProblem?: (problem: ListProblem) => unknown) {
    this.#source = source;
    this.#onProblem = onProblem;
  }

  /** @param about - what stands there; it is cut and escaped here */
  add(line: number, kind: ListProblem['kind'], reason: ListProblemReason, about: string): void {
    this[kind]++;
    if (this.skipped + this.taken > MAX_KEPT) return;
    const subject = about === '' ? 'The line' : quote(about);
    const problem: ListProblem = { source: this.#source, line, kind, reason, text: `${subject} ${TEXTS[reason]}.` };
    this.first.push(problem);
    this.#onProblem?.(problem);
  }
}
