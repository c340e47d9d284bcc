import { type Awaitable, type DnsAnswer, type DnsFailureReason, isPending, type Resolver } from '@postern/core';
import type { DmarcRecord } from './dmarc-record.ts';
import { readDmarcRecord } from './dmarc-record-cache.ts';

const DOT = 0x2e;
/** RFC 1035 §2.3.4, as text. What is longer names nothing. */
const LONGEST_NAME = 253;
/** RFC 9989 §4.10 step 4: where a walk that begins further down goes on. */
const LABELS_AFTER_JUMP = 7;

/** What stands at `_dmarc.` and a domain. */
export type DmarcLookup =
  | { readonly kind: 'record'; readonly record: DmarcRecord }
  /** `exists`: something else stands there, so that the domain above exists (RFC 8020 §2). */
  | { readonly kind: 'none'; readonly exists: boolean }
  | ({ readonly kind: 'failure' } & FailedLookup);

/** A question that DNS did not answer. */
export interface FailedLookup {
  readonly name: string;
  readonly reason: DnsFailureReason;
}

/** A record, and the domain that it is for. */
export interface FoundRecord {
  readonly domain: string;
  readonly record: DmarcRecord;
}

/** What a walk found on its way up. */
export interface TreeWalk {
  readonly start: string;
  /** From the longest domain to the shortest. */
  readonly found: readonly FoundRecord[];
  /** Where it could not go on. */
  readonly failure: FailedLookup | undefined;
}

/**
 * The lookups of one evaluation. Walks from the author domain, from the SPF domain and from signing domains go by the same
 * parents: no name is asked for twice.
 */
export class DmarcLookups {
  readonly #dns: Resolver;
  readonly #answers = new Map<string, Awaitable<DmarcLookup>>();
  #ambiguous: string[] | undefined;
  #queries = 0;

  constructor(dns: Resolver) {
    this.#dns = dns;
  }

  /** How many questions were asked. */
  get queries(): number {
    return this.#queries;
  }

  /** Names at which several records stand; `undefined` when there is none. */
  get ambiguousNames(): readonly string[] | undefined {
    return this.#ambiguous;
  }

  /** What stands at `_dmarc.` and the domain; at once when it is known. */
  lookUp(domain: string): Awaitable<DmarcLookup> {
    const known = this.#answers.get(domain);
    if (known !== undefined) return known;
    const name = `_dmarc.${domain}`;
    if (name.length > LONGEST_NAME) return tooLong;
    this.#queries++;
    const asked = this.#dns.resolve(name, 'TXT').then((answer) => {
      const read = this.#read(name, answer);
      this.#answers.set(domain, read);
      return read;
    });
    this.#answers.set(domain, asked);
    return asked;
  }

  /** RFC 9989 §4.10: at most eight names, from the domain up, until a record says what it is of. */
  async walk(start: string): Promise<TreeWalk> {
    const found: FoundRecord[] = [];
    for (let domain: string | undefined = start; domain !== undefined; domain = nextTarget(domain)) {
      const known = this.lookUp(domain);
      const answer = isPending(known) ? await known : known;
      if (answer.kind === 'failure') return { start, found, failure: answer };
      if (answer.kind === 'none') continue;
      found.push({ domain, record: answer.record });
      if (answer.record.psd !== 'u') break;
    }
    return { start, found, failure: undefined };
  }

  /**
   * Whether the domain exists: a domain does not when the answer to any question about it is NXDOMAIN (RFC 9989 §3.2.13,
   * §A.4). When it is an alias whose target does not exist, the answer for the target says so as well (RFC 6604 §3); the
   * alias exists all the same.
   */
  async exists(domain: string): Promise<boolean | FailedLookup> {
    const below = await this.lookUp(domain);
    if (below.kind === 'none' && below.exists) return true;
    for (const type of ['A', 'CNAME'] as const) {
      this.#queries++;
      const answer = await this.#dns.resolve(domain, type);
      if (answer.kind === 'failure') return { name: domain, reason: answer.reason };
      if (answer.kind !== 'nxdomain') return true;
    }
    return false;
  }

  #read(name: string, answer: DnsAnswer<'TXT'>): DmarcLookup {
    if (answer.kind === 'failure') return { kind: 'failure', name, reason: answer.reason };
    if (answer.kind !== 'records') return { kind: 'none', exists: answer.kind === 'nodata' };
    let found: DmarcRecord | undefined;
    for (const text of answer.records) {
      // Of a resolver that others wrote nothing is known.
      if (typeof text !== 'string') return { kind: 'failure', name, reason: 'malformed' };
      const record = readDmarcRecord(text);
      if (record === undefined) continue;
      if (found !== undefined) {
        // RFC 9989 §4.10 steps 2 and 6: several count as none.
        this.#ambiguous ??= [];
        this.#ambiguous.push(name);
        return { kind: 'none', exists: true };
      }
      found = record;
    }
    return found === undefined ? { kind: 'none', exists: true } : { kind: 'record', record: found };
  }
}

/** No question can be asked about it. */
const tooLong: DmarcLookup = Object.freeze({ kind: 'none', exists: false });

/** RFC 9989 §4.10 steps 3, 4 and 7: one label less; from eight on, seven labels are left. */
function nextTarget(domain: string): string | undefined {
  const dot = domain.indexOf('.');
  if (dot < 0) return undefined;
  let labels = 1;
  let at = domain.length - 1;
  for (; at >= 0; at--) {
    if (domain.charCodeAt(at) === DOT && ++labels > LABELS_AFTER_JUMP) return domain.slice(at + 1);
  }
  return domain.slice(dot + 1);
}

/** RFC 9989 §4.10.2: the organizational domain that a whole walk leads to. */
export function organizationalDomain({ start, found }: TreeWalk): string {
  for (const { domain, record } of found) {
    if (record.psd === 'n') return domain;
    if (record.psd === 'y' && domain !== start) return childOf(domain, start);
  }
  return found.at(-1)?.domain ?? start;
}

/** The domain one label below `parent` on the way down to `start`. */
function childOf(parent: string, start: string): string {
  const dot = start.lastIndexOf('.', start.length - parent.length - 2);
  return start.slice(dot + 1);
}

/**
 * RFC 9989 §4.10.1: of the records that a walk from the author domain found, the one that applies; that of the author
 * domain, of its organizational domain, or of the public suffix above that.
 */
export function applicableRecord(walk: TreeWalk, organization: string): FoundRecord | undefined {
  const [first] = walk.found;
  if (first === undefined || first.domain === walk.start) return first;
  const own = walk.found.find(({ domain }) => domain === organization);
  if (own !== undefined) return own;
  const last = walk.found.at(-1);
  return last?.record.psd === 'y' ? last : undefined;
}
