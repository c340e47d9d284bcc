import { OptionReader, type RecordData, type RecordType, toDnsName } from '@postern/core';
import type { RecordSet } from './record-set.ts';
import {
  LONGEST_TTL,
  type NameData,
  nodeOf,
  readNode,
  type ZoneData,
  type ZoneFailure,
  type ZoneNode,
} from './zone-data.ts';
import { childName, parentName } from './zone-name.ts';
import { readZoneText, type ZoneTextOptions } from './zone-text.ts';

/** How a zone is read. */
export interface ZoneOptions {
  /** Seconds, for names that do not say theirs. Default 300. */
  readonly ttl?: number;
  /** Whether names validate by DNSSEC when neither they nor a name above them says so. Default `false`. */
  readonly authentic?: boolean;
}

/** One CNAME that an answer went through. */
export interface Alias {
  readonly owner: string;
  readonly set: RecordSet<'CNAME'>;
}

/** What a zone knows about a name and a type, before it becomes a `DnsAnswer` or a message on the wire. */
export type ZoneAnswer<T extends RecordType = RecordType> =
  | {
      readonly kind: 'records';
      readonly aliases: readonly Alias[];
      /** Whose records these are: the name that was asked, or where the aliases led. */
      readonly owner: string;
      readonly set: RecordSet<T>;
      /** Seconds: the least of all records on the way. */
      readonly ttl: number;
      readonly authentic: boolean;
    }
  | {
      readonly kind: 'nodata' | 'nxdomain';
      readonly aliases: readonly Alias[];
      /** The start of authority above the name; without one, nobody may keep the absence (RFC 2308 §5). */
      readonly authority: { readonly owner: string; readonly set: RecordSet<'SOA'> } | undefined;
      readonly ttl: number;
      readonly authentic: boolean;
    }
  | { readonly kind: 'failure'; readonly reason: ZoneFailure; readonly detail: string };

/** As many links as a recursive resolver follows before it gives up with SERVFAIL. */
const MOST_ALIASES = 16;

/**
 * Names and their records as a recursive resolver sees them: wildcards (RFC 4592), CNAME chains, names that exist without
 * records, and how long an absence may be kept. It may hold several zones in the DNS sense, each with its own SOA.
 * `ZoneResolver` and `DnsServer` both answer from it, and see at once what a test changes.
 *
 * @example
 * ```ts
 * const zone = new Zone({ 'example.com': { MX: '10 mx.example.com' }, 'mx.example.com': { A: '192.0.2.1' } });
 * zone.set('mx.example.com', 'servfail');
 * ```
 */
export class Zone {
  readonly #ttl: number;
  readonly #authentic: boolean;
  readonly #nodes = new Map<string, ZoneNode>();
  /** How many nodes stand at or below each name: a name without a node may still exist (RFC 4592 §2.2.2). */
  readonly #existing = new Map<string, number>();

  constructor(data: ZoneData = {}, options: ZoneOptions = {}) {
    const read = new OptionReader('Zone', options);
    this.#ttl = read.integer('ttl', 300, { min: 0, max: LONGEST_TTL });
    this.#authentic = read.boolean('authentic', false);
    read.done();
    for (const [name, node] of Object.entries(data)) this.set(name, node);
  }

  /** A zone from the text of a zone file. Throws `ZoneSyntaxError`, whose `line` says where. */
  static fromText(text: string | Uint8Array, options: ZoneOptions & ZoneTextOptions = {}): Zone {
    const { origin, ...zoneOptions } = options;
    const zone = new Zone({}, zoneOptions);
    for (const [name, sets] of readZoneText(text, origin, zone.#ttl)) zone.#put(name, nodeOf(name, sets));
    return zone;
  }

  /** Puts these records, and no others, at the name. */
  set(name: string, data: NameData | ZoneFailure): void {
    const canonical = checkName(name);
    this.#put(canonical, readNode(canonical || '.', data, this.#ttl));
  }

  /** Takes all records of the name away. Says whether there were any. */
  delete(name: string): boolean {
    const canonical = checkName(name);
    if (!this.#nodes.delete(canonical)) return false;
    for (const each of selfAndAbove(canonical)) {
      const count = (this.#existing.get(each) ?? 0) - 1;
      if (count > 0) this.#existing.set(each, count);
      else this.#existing.delete(each);
    }
    return true;
  }

  /** Everything that is there, by name; failures are left out. */
  *[Symbol.iterator](): Iterator<readonly [name: string, sets: ZoneNode['sets']]> {
    for (const [name, node] of this.#nodes) yield [name, node.sets];
  }

  /**
   * What a resolver finds out about the name.
   *
   * @param name - lower case, without the trailing dot
   * @param type - `undefined`: one that no name has here
   */
  lookup<T extends RecordType>(name: string, type: T | undefined): ZoneAnswer<T> {
    const aliases: Alias[] = [];
    let owner = name;
    let ttl = Number.POSITIVE_INFINITY;
    let authentic = true;
    for (;;) {
      const node = this.#match(owner);
      const failure = node?.failure ?? (type && node?.failures[type]);
      if (failure !== undefined)
        return failed(failure, `Looking up ${owner || '.'} ${type ?? ''} ended in ${failure}.`);
      authentic &&= this.#isAuthentic(owner);

      const set: RecordSet<T> | undefined = type && node?.sets[type];
      if (set !== undefined) return { kind: 'records', aliases, owner, set, ttl: Math.min(ttl, set.ttl), authentic };

      const cname: RecordSet<'CNAME'> | undefined = node?.sets.CNAME;
      const target: RecordData['CNAME'] | undefined = cname?.records[0];
      if (cname === undefined || target === undefined) {
        const authority = this.#authority(owner);
        // RFC 2308 §5: the lesser of the SOA's own TTL and its MINIMUM field.
        const negative = authority === undefined ? 0 : Math.min(authority.set.ttl, authority.minimum);
        const kind = node === undefined && !this.#existing.has(owner) ? 'nxdomain' : 'nodata';
        return { kind, aliases, authority, ttl: Math.min(ttl, negative), authentic };
      }
      if (aliases.length === MOST_ALIASES)
        return failed('servfail', `The CNAME records of ${name} lead too far or in a circle.`);
      aliases.push({ owner, set: cname });
      ttl = Math.min(ttl, cname.ttl);
      owner = target;
    }
  }

  #put(name: string, node: ZoneNode): void {
    if (!this.#nodes.has(name)) {
      for (const each of selfAndAbove(name)) this.#existing.set(each, (this.#existing.get(each) ?? 0) + 1);
    }
    this.#nodes.set(name, node);
  }

  /** The node that answers for the name: its own, or the wildcard's at its closest encloser (RFC 4592 §3.3.1). */
  #match(name: string): ZoneNode | undefined {
    if (this.#existing.has(name)) return this.#nodes.get(name);
    let encloser = name;
    while (encloser !== '' && !this.#existing.has(encloser)) encloser = parentName(encloser) ?? '';
    return this.#nodes.get(childName('*', encloser));
  }

  #isAuthentic(name: string): boolean {
    for (const each of selfAndAbove(name)) {
      const { authentic } = this.#nodes.get(each) ?? {};
      if (authentic !== undefined) return authentic;
    }
    return this.#authentic;
  }

  #authority(name: string): { owner: string; set: RecordSet<'SOA'>; minimum: number } | undefined {
    for (const owner of selfAndAbove(name)) {
      const set = this.#nodes.get(owner)?.sets.SOA;
      const minimum = set?.records[0]?.minimum;
      if (set !== undefined && minimum !== undefined) return { owner, set, minimum };
    }
    return undefined;
  }
}

function failed(reason: ZoneFailure, detail: string): { kind: 'failure'; reason: ZoneFailure; detail: string } {
  return { kind: 'failure', reason, detail };
}

function checkName(name: string): string {
  const canonical = toDnsName(name);
  if (canonical === undefined) throw new RangeError(`Zone: ${JSON.stringify(name)} is not a domain name`);
  return canonical;
}

function* selfAndAbove(name: string): Generator<string> {
  for (let each: string | undefined = name; each !== undefined; each = parentName(each)) yield each;
}
