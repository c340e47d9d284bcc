/** What every logged question has. */
export interface LoggedQuery {
  /** Lower case, without the trailing dot. */
  readonly name: string;
  /** `A`, `TXT`, …; a type without a name here is `TYPE65` (RFC 3597 §5). */
  readonly type: string;
}

/** More questions than any test looks at one by one; a server that runs for hours must not grow for ever. */
const MOST_ENTRIES = 100_000;

/** The questions that were asked, oldest first. It keeps the newest 100,000. */
export class QueryLog<Query extends LoggedQuery = LoggedQuery> implements Iterable<Query> {
  #entries: Query[] = [];

  /** The questions themselves, oldest first. The array changes while questions come in. */
  get entries(): readonly Query[] {
    return this.#entries;
  }

  /** How many questions were asked: all, about a name, or about a name and a type. */
  count(name?: string, type?: string): number {
    const wanted = name === undefined ? undefined : canonical(name);
    let count = 0;
    for (const entry of this.#entries) {
      if ((wanted === undefined || entry.name === wanted) && (type === undefined || entry.type === type)) count++;
    }
    return count;
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries = [];
  }

  /** @internal */
  add(query: Query): void {
    // Half at once, so that a full log does not move 100,000 entries for each question.
    if (this.#entries.length >= MOST_ENTRIES) this.#entries = this.#entries.slice(MOST_ENTRIES / 2);
    this.#entries.push(query);
  }

  [Symbol.iterator](): Iterator<Query> {
    return this.#entries[Symbol.iterator]();
  }
}

function canonical(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
