import { type DomainEntryPattern, type PatternForm, registrableDomain } from './domain-entry-pattern.ts';
import { DomainIndex } from './domain-index.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import type { ListEntry } from './list-entry.ts';

/** What is said about one domain. */
type Node = { [F in PatternForm]: ListEntry | undefined } & { readonly domain: string };

/** An entry and its pattern. */
export interface PlacedEntry {
  readonly form: PatternForm;
  readonly domain: string;
  readonly entry: ListEntry;
}

const forms: readonly PatternForm[] = ['exact', 'below', 'registrable'];
/** So many expired entries go with each write: more than it adds, so that they cannot pile up, and few enough to bound it. */
const reclaimed = 4;

/** The entries of a `DomainList`, by their canonical patterns. */
export class DomainTable {
  readonly #nodes = new DomainIndex<Node>();
  readonly #expiries = new ExpiryQueue<DomainEntryPattern>();
  readonly #maxExpiring: number;
  readonly #privateSuffixes: boolean;
  #size = 0;
  /** Entries with an end. */
  #expiring = 0;
  /** Entries that cover more than one name: without any, a lookup is one step. */
  #wide = 0;

  constructor(maxExpiring: number, privateSuffixes: boolean) {
    this.#maxExpiring = maxExpiring;
    this.#privateSuffixes = privateSuffixes;
  }

  /** How many entries have not expired. */
  size(now: () => number): number {
    const first = this.#expiries.first;
    if (first === undefined || first.expiresAt > now()) return this.#size;
    let size = 0;
    for (const _ of this.entries(now)) size++;
    return size;
  }

  get({ form, domain }: DomainEntryPattern): ListEntry | undefined {
    return this.#nodes.get(domain)?.[form];
  }

  /** When too many expire, the one of them that expires soonest gives way; never the one that is being set. */
  set(pattern: DomainEntryPattern, entry: ListEntry, now: number): void {
    this.#reclaim(now);
    this.delete(pattern);
    if (entry.expiresAt === undefined) this.#put(pattern, entry);
    else if (entry.expiresAt > now) {
      while (this.#expiring >= this.#maxExpiring) this.#dropSoonest();
      this.#put(pattern, entry);
    }
  }

  delete({ form, domain }: DomainEntryPattern): ListEntry | undefined {
    const node = this.#nodes.get(domain);
    const entry = node?.[form];
    if (node === undefined || entry === undefined) return undefined;
    node[form] = undefined;
    if (forms.every((each) => node[each] === undefined)) this.#nodes.delete(domain);
    this.#size--;
    if (form !== 'exact') this.#wide--;
    if (entry.expiresAt !== undefined) this.#expiring--;
    return entry;
  }

  /** The most specific entry that covers the name, which is in canonical form. */
  find(name: string, now: () => number): PlacedEntry | undefined {
    if (this.#wide === 0) {
      const entry = this.#nodes.get(name)?.exact;
      return isLive(entry, now) ? { form: 'exact', domain: name, entry } : undefined;
    }
    const nodes = this.#nodes.covering(name);
    let registrable: string | undefined;
    for (let index = nodes.length - 1; index >= 0; index--) {
      const node = nodes[index];
      if (node === undefined) continue;
      const { domain } = node;
      const form = domain === name ? 'exact' : 'below';
      let entry = node[form];
      if (isLive(entry, now)) return { form, domain, entry };
      entry = node.registrable;
      if (!isLive(entry, now)) continue;
      // A suffix of its own may begin below a registrable domain: s3.amazonaws.com does.
      registrable ??= registrableDomain(name, this.#privateSuffixes) ?? '';
      if (registrable === domain) return { form: 'registrable', domain, entry };
    }
    return undefined;
  }

  *entries(now: () => number): Generator<PlacedEntry, void, undefined> {
    for (const node of this.#nodes.values()) {
      for (const form of forms) {
        const entry = node[form];
        if (isLive(entry, now)) yield { form, domain: node.domain, entry };
      }
    }
  }

  #put(pattern: DomainEntryPattern, entry: ListEntry): void {
    const { form, domain } = pattern;
    let node = this.#nodes.get(domain);
    if (node === undefined) {
      node = { domain: ownText(domain), exact: undefined, below: undefined, registrable: undefined };
      this.#nodes.add(node);
    }
    node[form] = entry;
    this.#size++;
    if (form !== 'exact') this.#wide++;
    if (entry.expiresAt === undefined) return;
    this.#expiring++;
    this.#expiries.push(entry.expiresAt, pattern);
    if (this.#expiries.outdated(this.#expiring)) this.#rebuildExpiries();
  }

  #reclaim(now: number): void {
    for (let count = 0; count < reclaimed && (this.#expiries.first?.expiresAt ?? now + 1) <= now; count++) {
      this.#dropSoonest();
    }
  }

  #dropSoonest(): void {
    const first = this.#expiries.first;
    this.#expiries.shift();
    // It may have been deleted since, or set again with another end.
    if (first !== undefined && this.get(first.key)?.expiresAt === first.expiresAt) this.delete(first.key);
  }

  #rebuildExpiries(): void {
    this.#expiries.clear();
    for (const node of this.#nodes.values()) {
      for (const form of forms) {
        const expiresAt = node[form]?.expiresAt;
        if (expiresAt !== undefined) this.#expiries.push(expiresAt, { form, domain: node.domain });
      }
    }
  }
}

/** Whether there is an entry, and it has not ended. */
export function isLive(entry: ListEntry | undefined, now: () => number): entry is ListEntry {
  return entry !== undefined && (entry.expiresAt === undefined || entry.expiresAt > now());
}

/** A part of a text keeps the whole of it in memory, which may be a piece of a file; and it is slower to compare. */
function ownText(domain: string): string {
  return Buffer.from(domain, 'latin1').toString('latin1');
}
