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
/** Of each address for reports, and of each error. */
const TEXT_OVERHEAD = 100;
/** As many as are read of a record. */
const MAX_URIS = 20;
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

  constructor(policy: PublishedPolicy, rua: readonly DmarcReportUri[]) {
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
    if (!this.#setUris(counts, record.rua)) {
      counts.dropped++;
      return false;
    }
    counts.seenAt = now;
    // RFC 9990 §3.1: of several policies in one period, the last one is reported.
    counts.policy = { ...record.policy, domain: counts.policy.domain };
    for (const error of record.errors ?? []) this.#addError(counts, error.slice(0, LONGEST_ERROR));
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
    const known = this.#domains.get(record.policy.domain);
    if (known !== undefined) return known;
    const bytes = DOMAIN_OVERHEAD + bytesOfUris(record.rua.slice(0, MAX_URIS));
    if (this.#size.domains >= this.#bounds.maxDomains || !this.#take(bytes)) return undefined;
    const domain = ownCopy(record.policy.domain);
    const counts = new DomainCounts({ ...record.policy, domain }, ownCopy(record.rua.slice(0, MAX_URIS)));
    this.#domains.set(domain, counts);
    this.#size.domains++;
    return counts;
  }

  /** `false`: there is no room for them. */
  #setUris(counts: DomainCounts, all: readonly DmarcReportUri[]): boolean {
    const uris = all.length > MAX_URIS ? all.slice(0, MAX_URIS) : all;
    const known = counts.rua;
    if (known.length === uris.length && known.every(({ uri }, index) => uri === uris[index]?.uri)) return true;
    if (!this.#take(bytesOfUris(uris) - bytesOfUris(known))) return false;
    counts.rua = ownCopy(uris);
    return true;
  }

  #addError({ errors }: DomainCounts, error: string): void {
    if (errors.size >= MAX_ERRORS || errors.has(error)) return;
    if (this.#take(2 * error.length + TEXT_OVERHEAD)) errors.add(ownCopy(error));
  }

  #makeRoom(counts: DomainCounts, line: string): boolean {
    const { maxRows, maxRowsPerDomain } = this.#bounds;
    if (counts.rows.size >= maxRowsPerDomain || this.#size.rows >= maxRows) return false;
    if (!this.#take(2 * line.length + ROW_OVERHEAD)) return false;
    this.#size.rows++;
    this.#rows++;
    return true;
  }

  /** `false`: so many bytes do not fit. */
  #take(bytes: number): boolean {
    if (bytes > 0 && this.#size.bytes + bytes > this.#bounds.maxBytes) return false;
    this.#bytes += bytes;
    this.#size.bytes += bytes;
    return true;
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

function bytesOfUris(uris: readonly DmarcReportUri[]): number {
  const lengths = uris.map(({ uri, address = '', domain = '' }) => uri.length + address.length + domain.length);
  return lengths.reduce((sum, length) => sum + 2 * length + TEXT_OVERHEAD, 0);
}

/** What is cut out of a record's text, of up to 64 KB, keeps the whole of it in memory; a copy does not. */
function ownCopy<T>(value: T): T {
  return structuredClone(value);
}
