import type { DmarcReportUri } from '../dmarc/dmarc-record.ts';
import type { ReportStore } from './abortable-store.ts';
import type { AggregateRow, PublishedPolicy } from './aggregate-report.ts';
import { messageOf } from './collected-message.ts';
import {
  type CollectedDomain,
  type CollectedIndex,
  decodeDomain,
  decodeIndex,
  decodeNames,
} from './collected-value.ts';
import type { ReportKeys } from './report-keys.ts';

const MAX_ERRORS = 10;
/**
 * So many characters of lines make about as much XML as readers take (16 MiB). Whoever signs mail decides how long a line is.
 */
const LONGEST_ROWS = 8_388_608;

/** What all collectors have of a day. */
export interface CollectedOverview {
  /** The policy domains and the collectors that have something of each. */
  readonly domains: ReadonlyMap<string, readonly string[]>;
  /** Messages of domains for which some collector, or this overview, had no room. */
  readonly dropped: number;
  /** Collectors whose values the store has not got. */
  readonly missing: number;
}

/** What all collectors have of one domain. */
export interface CollectedReport {
  readonly policy: PublishedPolicy;
  readonly rua: readonly DmarcReportUri[];
  readonly errors: readonly string[];
  readonly rows: readonly AggregateRow[];
  /** Messages in the rows. */
  readonly messages: number;
  /** Messages for which there was no room. */
  readonly dropped: number;
  /** Collectors whose values the store has not got. */
  readonly missing: number;
}

/** Adds up what the collectors have written of a day: an overview first, then one domain after the other. */
export class CollectedReports {
  readonly #store: ReportStore;
  readonly #keys: ReportKeys;

  constructor(store: ReportStore, keys: ReportKeys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** @throws what the store rejects with */
  async overview(maxDomains: number): Promise<CollectedOverview> {
    const [list] = await this.#store.recall([this.#keys.collectors]);
    const collectors = decodeNames(list);
    const domains = new Map<string, string[]>();
    let dropped = 0;
    let missing = 0;
    // One after the other: an index may have thousands of names.
    for (const collector of collectors) {
      const index = await this.#index(collector);
      if (index === undefined) {
        missing++;
        continue;
      }
      dropped += index.dropped;
      for (const [domain, messages] of index.domains) {
        const known = domains.get(domain);
        if (known !== undefined) known.push(collector);
        else if (domains.size < maxDomains) domains.set(domain, [collector]);
        else dropped += messages;
      }
    }
    return { domains, dropped, missing };
  }

  async #index(collector: string): Promise<CollectedIndex | undefined> {
    const [bytes] = await this.#store.recall([this.#keys.index(collector)]);
    return bytes === undefined ? undefined : decodeIndex(bytes);
  }

  /**
   * `undefined`: the store has nothing of the domain.
   *
   * @throws what the store rejects with
   */
  async domain(domain: string, collectors: readonly string[], maxRows: number): Promise<CollectedReport | undefined> {
    const counts = new Map<string, number>();
    const errors = new Set<string>();
    let latest: CollectedDomain | undefined;
    let dropped = 0;
    let missing = 0;
    let length = 0;
    // One after the other: a value may have thousands of rows.
    for (const collector of collectors) {
      const found = await this.#domain(collector, domain);
      if (found === undefined) {
        missing++;
        continue;
      }
      if (latest === undefined || found.seenAt > latest.seenAt) latest = found;
      for (const error of found.errors) if (errors.size < MAX_ERRORS) errors.add(error);
      dropped += found.dropped;
      for (const [line, count] of found.rows) {
        const sum = counts.get(line);
        if (sum === undefined && (counts.size >= maxRows || length + line.length > LONGEST_ROWS)) {
          dropped += count;
          continue;
        }
        if (sum === undefined) length += line.length;
        counts.set(line, (sum ?? 0) + count);
      }
    }
    if (latest === undefined) return undefined;
    const { policy, rua } = latest;
    const rows = rowsOf(counts);
    const messages = rows.reduce((sum, { count }) => sum + count, 0);
    // Lines that no collector of this version writes.
    for (const count of counts.values()) dropped += count;
    dropped -= messages;
    return { policy, rua, errors: [...errors], rows, messages, dropped, missing };
  }

  async #domain(collector: string, domain: string): Promise<CollectedDomain | undefined> {
    const [bytes] = await this.#store.recall([this.#keys.domain(collector, domain)]);
    return bytes === undefined ? undefined : decodeDomain(bytes);
  }

  /** The domain has been reported, or nobody wants to hear of it. */
  async forget(domain: string, collectors: readonly string[]): Promise<void> {
    for (const collector of collectors) await this.#store.forget(this.#keys.domain(collector, domain));
  }
}

function rowsOf(counts: ReadonlyMap<string, number>): readonly AggregateRow[] {
  const rows: AggregateRow[] = [];
  for (const [line, count] of counts) {
    const message = messageOf(line);
    if (message !== undefined) rows.push({ count, ...message });
  }
  return rows;
}
