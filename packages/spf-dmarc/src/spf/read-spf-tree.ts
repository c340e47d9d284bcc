import {
  type Cidr,
  type DnsAnswer,
  formatCidr,
  type IpAddress,
  networkOf,
  parseIp,
  type RecordType,
  type Resolver,
  toDnsName,
} from '@postern/core';
import { shownText } from '../shown-text.ts';
import { type DomainSpec, expandDomainSpec } from './domain-spec.ts';
import { readMacroString } from './spf-macro.ts';
import { type AddressTerm, isSpfRecord, readSpfRecord, type SpfRecord, type SpfTerm } from './spf-record.ts';
import type { SpfRecordStatus, SpfTreeHost, SpfTreeRecord, SpfTreeTerm, SpfVoidLookups } from './spf-tree.ts';

/** Deeper than any evaluation gets with its 10 lookups. */
const DEEPEST = 20;
/** RFC 7208 §4.6.4: more mail exchangers are a permerror. */
const MOST_EXCHANGES = 10;
/** All records together; in objects, some megabytes. */
const MOST_TERMS = 10_000;
/** How many of the records that are none are quoted. */
const MOST_OTHERS = 10;
/** How much of a record is quoted: all that fits into a TXT record. */
const LONGEST_RECORD = 65_535;

const everything = ['0.0.0.0/0', '::/0'];
const noVoids: SpfVoidLookups = { ip4: 0, ip6: 0 };
const oneVoid: SpfVoidLookups = { ip4: 1, ip6: 1 };
const nobody: IpAddress = { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: 0 };

/** What all terms of a record have to know. */
interface Place {
  readonly domain: string;
  /** The names above, from the top. */
  readonly path: readonly string[];
  /** Whether its `exp` would be used: not in an included record (RFC 7208 §6.2). */
  readonly explains: boolean;
}

/** The terms that ask for a name. */
type NamedTerm = Extract<SpfTerm, { readonly kind: 'a' | 'mx' | 'include' | 'exists' | 'redirect' | 'exp' }>;

interface Host {
  readonly host: SpfTreeHost;
  readonly voidLookups: SpfVoidLookups;
}

type Part = Omit<SpfTreeTerm, 'text' | 'name' | 'qualifier'>;

const unasked: Part = { status: 'unasked', lookupTerms: 1, voidLookups: noVoids };
const ignored: Part = { status: 'ignored', lookupTerms: 0, voidLookups: noVoids };

function sum(parts: readonly { readonly voidLookups: SpfVoidLookups }[]): SpfVoidLookups {
  return parts.reduce<SpfVoidLookups>(
    ({ ip4, ip6 }, { voidLookups }) => ({ ip4: ip4 + voidLookups.ip4, ip6: ip6 + voidLookups.ip6 }),
    noVoids,
  );
}

/** An IPv6 network of IPv4-mapped addresses contains no client: those that come so are IPv4 clients (RFC 7208 §5). */
function isMapped({ network, prefixLength }: Cidr): boolean {
  return (
    network.family === 6 && prefixLength >= 96 && network.word0 === 0 && network.word1 === 0 && network.word2 === 0xffff
  );
}

/** Where a record stands in the tree without having been read. */
function leaf(domain: string, status: SpfRecordStatus, facts: Partial<SpfTreeRecord> = {}): SpfTreeRecord {
  return { domain, status, others: [], txtBytes: 0, terms: [], lookupTerms: 0, voidLookups: noVoids, ...facts };
}

/**
 * Follows a domain's record to everything that it leads to. Terms that depend on the message are not followed.
 *
 * Bounds: `maxQueries` questions, 20 records one in the other, 10,000 terms. What stands beyond is `unasked`. Never
 * rejects.
 */
export class SpfTreeReader {
  readonly #dns: Resolver;
  readonly #domain: string;
  readonly #maxQueries: number;
  #queries = 0;
  #terms = 0;
  #asksNames = false;

  /** @param domain - the domain that mail is from; as `toAsciiDomain` gives it */
  constructor(domain: string, dns: Resolver, maxQueries: number) {
    this.#domain = domain;
    this.#dns = dns;
    this.#maxQueries = maxQueries;
  }

  read(): Promise<SpfTreeRecord> {
    return this.#record({ domain: this.#domain, path: [], explains: true });
  }

  /** `undefined` when no more questions may be asked. */
  #ask<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<T>> | undefined {
    if (this.#queries >= this.#maxQueries) return undefined;
    this.#queries++;
    return this.#dns.resolve(name, type);
  }

  async #record(place: Place): Promise<SpfTreeRecord> {
    const { domain, path } = place;
    if (path.includes(domain)) return leaf(domain, 'loop');
    if (path.length >= DEEPEST) return leaf(domain, 'unasked');
    const answer = await this.#ask(domain, 'TXT');
    if (answer === undefined) return leaf(domain, 'unasked');
    if (answer.kind === 'failure') return leaf(domain, 'failed', { problem: answer.reason });
    if (answer.kind !== 'records') return leaf(domain, 'none', { voidLookups: oneVoid, problem: answer.kind });

    const texts = answer.records;
    const txtBytes = texts.reduce((octets, text) => octets + text.length, 0);
    const records = texts.filter(isSpfRecord);
    const others = texts.filter((text) => !isSpfRecord(text) && looksLikeSpf(text));
    const facts = { txtBytes, others: others.slice(0, MOST_OTHERS).map((text) => shownText(text)) };
    const [text] = records;
    if (text === undefined) return leaf(domain, 'none', facts);
    if (records.length > 1) {
      return leaf(domain, 'several', {
        txtBytes,
        others: records.slice(0, MOST_OTHERS).map((each) => shownText(each)),
      });
    }
    const record = shownText(text, LONGEST_RECORD);
    const reading = readSpfRecord(text);
    if (!reading.ok) {
      const wrongTerm = shownText(reading.term);
      const problem = `term ${reading.index + 1}, "${wrongTerm}": ${shownText(reading.problem)}`;
      return leaf(domain, 'syntax-error', { ...facts, record, problem, wrongTerm });
    }
    this.#terms += reading.record.terms.length;
    if (this.#terms > MOST_TERMS) return leaf(domain, 'unasked', { ...facts, record });
    const terms = await this.#followAll(reading.record, { ...place, path: [...path, domain] });
    const lookupTerms = terms.reduce((count, term) => count + term.lookupTerms, 0);
    return { domain, status: 'record', record, ...facts, terms, lookupTerms, voidLookups: sum(terms) };
  }

  #followAll(record: SpfRecord, place: Place): Promise<readonly SpfTreeTerm[]> {
    const all = record.terms.findIndex(({ kind }) => kind === 'all');
    return Promise.all(
      record.terms.map(async (term, index) => {
        const text = shownText(term.text);
        const name = term.kind === 'unknown-modifier' ? term.name : term.kind;
        // RFC 7208 §5.1: mechanisms behind "all" are ignored, and so is "redirect", wherever it stands.
        const behind = all >= 0 && ('qualifier' in term ? index > all : term.kind === 'redirect');
        const part = behind ? ignored : await this.#term(term, place);
        return { text, name, ...('qualifier' in term ? { qualifier: term.qualifier } : {}), ...part };
      }),
    );
  }

  async #term(term: SpfTerm, place: Place): Promise<Part> {
    switch (term.kind) {
      case 'all':
        return { status: 'known', networks: everything, lookupTerms: 0, voidLookups: noVoids };
      case 'ip4':
      case 'ip6': {
        const networks = isMapped(term.network) ? [] : [formatCidr(term.network)];
        return { status: 'known', networks, lookupTerms: 0, voidLookups: noVoids };
      }
      case 'ptr':
        return { status: 'depends', lookupTerms: 1, voidLookups: noVoids };
      case 'unknown-modifier':
        return ignored;
      default:
        return await this.#named(term, place);
    }
  }

  async #named(term: NamedTerm, place: Place): Promise<Part> {
    if (term.kind === 'exp' && !place.explains) return ignored;
    const lookupTerms = term.kind === 'exp' ? 0 : 1;
    if (!isConstant(term.domain)) {
      return { status: 'depends', lookupTerms: lookupTerms + this.#nameLookups(term), voidLookups: noVoids };
    }
    const target = term.domain === undefined ? place.domain : this.#expand(term.domain, place.domain);
    const isRecord = term.kind === 'include' || term.kind === 'redirect';
    if (target === undefined) {
      const problem = 'it is no name that DNS can be asked for';
      if (!isRecord) return { status: 'known', problem, lookupTerms, voidLookups: noVoids };
      return { status: 'permerror', problem, lookupTerms, voidLookups: noVoids };
    }
    switch (term.kind) {
      case 'include':
      case 'redirect': {
        const explains = place.explains && term.kind === 'redirect';
        const record = await this.#record({ domain: target, path: place.path, explains });
        return {
          status: 'known',
          target,
          record,
          lookupTerms: 1 + record.lookupTerms,
          voidLookups: record.voidLookups,
        };
      }
      case 'a': {
        const found = await this.#host(target, term);
        if (found === undefined) return { ...unasked, target };
        const { host, voidLookups } = found;
        return { status: statusOf([host]), target, hosts: [host], lookupTerms, voidLookups };
      }
      case 'mx':
        return { target, ...(await this.#exchanges(target, term)) };
      case 'exists': {
        const answer = await this.#ask(target, 'A');
        if (answer === undefined) return { ...unasked, target };
        if (answer.kind === 'failure') return { ...unasked, status: 'failed', problem: answer.reason, target };
        if (answer.kind === 'records')
          return { status: 'known', target, networks: everything, lookupTerms, voidLookups: noVoids };
        return { status: 'known', target, networks: [], lookupTerms, voidLookups: oneVoid };
      }
      case 'exp':
        return { target, ...(await this.#explanation(target)) };
    }
  }

  /** The client's names for `%{p}` are one lookup more, once (RFC 7208 §4.6.4); those of an explanation are none. */
  #nameLookups({ kind, domain }: NamedTerm): 0 | 1 {
    if (this.#asksNames || kind === 'exp' || domain?.kind !== 'macro' || !domain.usesPtr) return 0;
    this.#asksNames = true;
    return 1;
  }

  /** The name that a constant domain-spec stands for; `undefined` when DNS cannot be asked for it. */
  #expand(spec: DomainSpec, domain: string): string | undefined {
    return expandDomainSpec(spec, {
      ip: nobody,
      sender: '',
      localPart: '',
      senderDomain: this.#domain,
      domain,
      validatedName: '',
      helo: '',
      receiver: '',
      now: 0,
    });
  }

  /** `undefined` when no more questions may be asked. */
  async #host(name: string, { ip4Length, ip6Length }: AddressTerm): Promise<Host | undefined> {
    const questions = [this.#ask(name, 'A'), this.#ask(name, 'AAAA')];
    const [a, aaaa] = await Promise.all(questions);
    if (a === undefined || aaaa === undefined) return undefined;
    const networks: string[] = [];
    for (const address of [...recordsOf(a), ...recordsOf(aaaa)]) {
      const ip = parseIp(address);
      // An AAAA record may hold an IPv4-mapped address; IPv4 clients are compared with A records alone.
      if (ip === undefined || address.includes(':') !== (ip.family === 6)) continue;
      const prefixLength = ip.family === 4 ? ip4Length : ip6Length;
      networks.push(formatCidr({ network: networkOf(ip, prefixLength), prefixLength }));
    }
    const failed = a.kind === 'failure' ? a : aaaa.kind === 'failure' ? aaaa : undefined;
    const host = { name, networks, ...(failed === undefined ? {} : { failure: failed.reason }) };
    return { host, voidLookups: { ip4: isVoid(a), ip6: isVoid(aaaa) } };
  }

  async #exchanges(name: string, term: AddressTerm): Promise<Part> {
    const answer = await this.#ask(name, 'MX');
    if (answer === undefined) return unasked;
    if (answer.kind === 'failure') return { ...unasked, status: 'failed', problem: answer.reason };
    if (answer.kind !== 'records') return { status: 'known', hosts: [], lookupTerms: 1, voidLookups: oneVoid };
    const count = answer.records.length;
    if (count > MOST_EXCHANGES) {
      return { status: 'permerror', problem: `${count} mail exchangers`, lookupTerms: 1, voidLookups: noVoids };
    }
    // A null MX (RFC 7505) has no host, and neither has a name that cannot be asked for.
    const names = new Set(answer.records.flatMap(({ exchange }) => toDnsName(exchange) || []));
    const hosts = await Promise.all(Array.from(names, (each) => this.#host(each, term)));
    const known = hosts.flatMap((found) => (found === undefined ? [] : [found.host]));
    const status = known.length < hosts.length ? 'unasked' : statusOf(known);
    // The addresses of exchangers are no lookups of terms, so that none of them is void (RFC 7208 §4.6.4).
    return { status, hosts: known, lookupTerms: 1, voidLookups: noVoids };
  }

  /** RFC 7208 §6.2: without exactly one TXT record that can be read, it is as if there were no `exp`. */
  async #explanation(name: string): Promise<Part> {
    const part: Part = { status: 'known', lookupTerms: 0, voidLookups: noVoids };
    const answer = await this.#ask(name, 'TXT');
    if (answer === undefined) return { ...part, status: 'unasked' };
    if (answer.kind === 'failure') return { ...part, status: 'failed', problem: answer.reason };
    if (answer.kind !== 'records') return { ...part, problem: 'there is no TXT record' };
    const [text = '', ...more] = answer.records;
    if (more.length > 0) return { ...part, problem: 'there is more than one TXT record' };
    const read = readMacroString(text, 'all', true);
    return read.ok ? part : { ...part, problem: read.problem };
  }
}

/** Whether the name is the same for every message from the domain: other macros tell of the client or of the sender. */
function isConstant(spec: DomainSpec | undefined): boolean {
  if (spec === undefined || spec.kind === 'name') return true;
  return spec.parts.every((part) => typeof part === 'string' || part.letter === 'd' || part.letter === 'o');
}

function statusOf(hosts: readonly SpfTreeHost[]): 'known' | 'failed' {
  return hosts.some(({ failure }) => failure !== undefined) ? 'failed' : 'known';
}

function recordsOf(answer: DnsAnswer<'A' | 'AAAA'>): readonly string[] {
  return answer.kind === 'records' ? answer.records : [];
}

function isVoid({ kind }: DnsAnswer): 0 | 1 {
  return kind === 'nodata' || kind === 'nxdomain' ? 1 : 0;
}

/** `"v=spf1 mx`, `v=spf2 -all`, `spf1 a`: what was meant to be a record. `spf2.0/` begins those of Sender ID. */
function looksLikeSpf(text: string): boolean {
  const start = text.slice(0, 24).toLowerCase();
  return start.includes('v=spf') || start.includes('v = spf') || /^["' ]*spf\d/.test(start);
}
