import type { DmarcReportUri } from '../dmarc/dmarc-record.ts';
import type { AggregateRecord } from './aggregate-record.ts';
import type { PublishedPolicy } from './aggregate-report.ts';
import { messageLine } from './collected-message.ts';
import type { CollectedDomain, CollectedIndex } from './collected-value.ts';

/** The bounds of all days that a collector holds, together. */
export interface CollectedBounds {
  readonly maxDomains: number;
  readonly maxRows: number;
  readonly maxRowsPerDomain: number;
  readonly maxBytes: number;
}

/** A `Map` entry, its number and what it hangs on take about so many bytes besides the line itself. */
const ROW_OVERHEAD = 100;
const DOMAIN_OVERHEAD = 2_000;
const MAX_ERRORS = 10;
const LONGEST_ERROR = 200;

/** How much room the days of a collector take. */
export class CollectedSize {
  domains = 0;
  rows = 0;
  bytes = 0;
}

/** The counts of one policy domain. */
class DomainCounts {
  policy: PublishedPolicy;
  rua: readonly DmarcReportUri[];
  readonly errors = new Set<string>();
  seenAt = 0;
  readonly rows = new Map<string, number>();
  messages = 0;
  dropped = 0;
  /** Whether the store has not got all of it. */
  changed = false;

  constructor({ policy, rua }: AggregateRecord) {
    this.policy = policy;
    this.rua = rua;
  }
}

/** What one process has counted of one day. */
export class CollectedDay {
  readonly #bounds: CollectedBounds;
  readonly #size: CollectedSize;
  readonly #domains = new Map<string, DomainCounts>();
  #dropped = 0;
  /** Whether the store has not got the index as it is. */
  #changed = false;
  #bytes = 0;
  #rows = 0;

  constructor(bounds: CollectedBounds, size: CollectedSize) {
    this.#bounds = bounds;
    this.#size = size;
  }

  /** `false`: there was no room, which is counted as well. */
  add(record: AggregateRecord, now: number): boolean {
    this.#changed = true;
    const counts = this.#countsOf(record);
    if (counts === undefined) {
      this.#dropped++;
      return false;
    }
    counts.changed = true;
    counts.seenAt = now;
    // RFC 9990 §3.1: of several policies in one period, the last one is reported.
    counts.policy = record.policy;
    counts.rua = record.rua;
    for (const error of record.errors ?? []) {
      if (counts.errors.size < MAX_ERRORS) counts.errors.add(error.slice(0, LONGEST_ERROR));
    }
    const line = messageLine(record.message);
    const count = counts.rows.get(line);
    if (count === undefined && !this.#makeRoom(counts, line)) {
      counts.dropped++;
      return false;
    }
    counts.rows.set(line, (count ?? 0) + 1);
    counts.messages++;
    return true;
  }

  #countsOf(record: AggregateRecord): DomainCounts | undefined {
    const { domain } = record.policy;
    const known = this.#domains.get(domain);
    if (known !== undefined) return known;
    const { maxDomains, maxBytes } = this.#bounds;
    if (this.#size.domains >= maxDomains || this.#size.bytes + DOMAIN_OVERHEAD > maxBytes) return undefined;
    const counts = new DomainCounts(record);
    this.#domains.set(domain, counts);
    this.#size.domains++;
    this.#take(DOMAIN_OVERHEAD);
    return counts;
  }

  #makeRoom(counts: DomainCounts, line: string): boolean {
    const { maxRows, maxRowsPerDomain, maxBytes } = this.#bounds;
    const bytes = 2 * line.length + ROW_OVERHEAD;
    if (counts.rows.size >= maxRowsPerDomain || this.#size.rows >= maxRows) return false;
    if (this.#size.bytes + bytes > maxBytes) return false;
    this.#size.rows++;
    this.#rows++;
    this.#take(bytes);
    return true;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#size.bytes += bytes;
  }

  /** Whether the store lacks anything of it. */
  get changed(): boolean {
    return this.#changed;
  }

  get index(): CollectedIndex {
    const domains = new Map([...this.#domains].map(([domain, { messages }]) => [domain, messages]));
    return { dropped: this.#dropped, domains };
  }

  /** The domains that the store lacks; they count as written from now on, until `failed` says otherwise. */
  *changes(): Generator<readonly [string, CollectedDomain]> {
    for (const [domain, counts] of this.#domains) {
      if (!counts.changed) continue;
      counts.changed = false;
      yield [domain, { ...counts, errors: [...counts.errors] }];
    }
  }

  /** The index counts as written from now on. */
  settled(): void {
    this.#changed = false;
  }

  /** The store has not got the domain after all. */
  failed(domain: string): void {
    const counts = this.#domains.get(domain);
    if (counts !== undefined) counts.changed = true;
    this.#changed = true;
  }

  /** The store is to get all of it once more. */
  repeat(): void {
    this.#changed = true;
    for (const counts of this.#domains.values()) counts.changed = true;
  }

  /** Gives its room back. How many messages the store has not got. */
  drop(): number {
    let lost = 0;
    for (const { changed, messages } of this.#domains.values()) lost += changed ? messages : 0;
    this.#size.domains -= this.#domains.size;
    this.#size.rows -= this.#rows;
    this.#size.bytes -= this.#bytes;
    this.#domains.clear();
    return lost;
  }
}
