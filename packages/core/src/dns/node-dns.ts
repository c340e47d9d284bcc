import { Resolver as CallbackResolver, type CaaRecord as NodeCaaRecord } from 'node:dns';
import type { Resolver as NodeResolver } from 'node:dns/promises';
import { OptionReader } from '../options.ts';
import { saneTtl } from './cached-answer.ts';
import { dnsFailure } from './dns-failure.ts';
import { toDnsName } from './dns-name.ts';
import { checkQuestion } from './question.ts';
import type { DnsAnswer, DnsFailureReason, RecordData, RecordType, ResolveOptions, Resolver } from './resolver.ts';

/** What `fromNodeDns` takes. */
export interface NodeDnsOptions {
  /**
   * Milliseconds for which answers may be kept whose TTL `node:dns` does not tell: all but A and AAAA records, and every
   * absence. Counted in whole seconds. Default 60,000.
   */
  readonly ttlMs?: number;
  /**
   * Deadline of one lookup in milliseconds, whatever `timeout` and `tries` of the `node:dns` resolver would take together.
   * Default 5,000.
   */
  readonly timeoutMs?: number;
}

/** Records as they came, and their TTL in seconds where it is known. */
interface Found<T extends RecordType> {
  readonly records: RecordData[T][];
  readonly ttl?: number;
}

type Questions = { readonly [T in RecordType]: (resolver: NodeResolver, name: string) => Promise<Found<T>> };

interface AddressWithTtl {
  readonly address: string;
  readonly ttl: number;
}

function addresses(found: readonly AddressWithTtl[]): { records: string[]; ttl: number } {
  return { records: found.map(({ address }) => address), ttl: saneTtl(Math.min(...found.map(({ ttl }) => ttl))) };
}

function names(found: readonly string[]): { records: string[] } {
  return { records: found.map((name) => name.toLowerCase()) };
}

/** `node:dns` gives the tag as the name of the property that holds the value. */
function readCaa(record: NodeCaaRecord): RecordData['CAA'] {
  const [tag = '', value] = Object.entries(record).find(([key]) => key !== 'critical' && key !== 'type') ?? [];
  // RFC 8659 §4.1: bit 0, the most significant one, is the Issuer Critical Flag.
  return { critical: record.critical >= 0x80, tag, value: String(value ?? '') };
}

/** `node:dns` decodes TXT and CAA octets as latin1, which is how answers give them. */
const questions: Questions = {
  A: async (resolver, name) => addresses(await resolver.resolve4(name, { ttl: true })),
  AAAA: async (resolver, name) => addresses(await resolver.resolve6(name, { ttl: true })),
  TXT: async (resolver, name) => ({ records: (await resolver.resolveTxt(name)).map((strings) => strings.join('')) }),
  PTR: async (resolver, name) => names(await resolver.resolvePtr(name)),
  CNAME: async (resolver, name) => names(await resolver.resolveCname(name)),
  NS: async (resolver, name) => names(await resolver.resolveNs(name)),
  MX: async (resolver, name) => ({
    records: (await resolver.resolveMx(name)).map(({ priority, exchange }) => ({
      preference: priority,
      exchange: exchange.toLowerCase(),
    })),
  }),
  async SOA(resolver, name) {
    const { nsname, hostmaster, serial, refresh, retry, expire, minttl } = await resolver.resolveSoa(name);
    const primary = nsname.toLowerCase();
    const mailbox = hostmaster.toLowerCase();
    return { records: [{ primary, mailbox, serial, refresh, retry, expire, minimum: minttl }] };
  },
  SRV: async (resolver, name) => ({
    records: (await resolver.resolveSrv(name)).map(({ priority, weight, port, name: target }) => ({
      priority,
      weight,
      port,
      target: target.toLowerCase(),
    })),
  }),
  TLSA: async (resolver, name) => ({
    // Node leaves a hole in its list for each CNAME record on the way; `flat` closes it.
    records: (await resolver.resolveTlsa(name)).flat().map(({ certUsage, selector, match, data }) => ({
      usage: certUsage,
      selector,
      matchingType: match,
      data: Buffer.from(data).toString('hex'),
    })),
  }),
  CAA: async (resolver, name) => ({ records: (await resolver.resolveCaa(name)).map(readCaa) }),
};

/** The error codes of `node:dns`; those that are not here (a socket that cannot be opened, no memory) are `network`. */
const reasons: ReadonlyMap<string, DnsFailureReason> = new Map([
  ['ETIMEOUT', 'timeout'],
  ['ESERVFAIL', 'servfail'],
  ['EFORMERR', 'servfail'],
  ['ENOTIMP', 'servfail'],
  ['EREFUSED', 'refused'],
  ['EBADNAME', 'malformed'],
  ['EBADRESP', 'malformed'],
  ['EBADSTR', 'malformed'],
  ['ECANCELLED', 'aborted'],
  ['EDESTRUCTION', 'aborted'],
]);

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  // What Node throws about arguments is a mistake in the program, not in DNS.
  return error.code.startsWith('ERR_') ? undefined : error.code;
}

class NodeDnsResolver implements Resolver {
  readonly #resolver: NodeResolver;
  readonly #ttl: number;
  readonly #timeoutMs: number;

  constructor(resolver: NodeResolver, ttl: number, timeoutMs: number) {
    this.#resolver = resolver;
    this.#ttl = ttl;
    this.#timeoutMs = timeoutMs;
  }

  async resolve<T extends RecordType>(name: string, type: T, options: ResolveOptions = {}): Promise<DnsAnswer<T>> {
    checkQuestion(name, type, options);
    // Never left to c-ares, which reads `a\0b.example` as the top-level domain `a`.
    const canonical = toDnsName(name);
    if (canonical === undefined) return dnsFailure('malformed', 'The name is not one that DNS can be asked about.');
    const { signal } = options;
    const aborted = dnsFailure('aborted', 'The caller gave up.');
    if (signal?.aborted) return aborted;

    // c-ares cannot cancel one query: an answer that nobody waits for any more is ignored.
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    const givenUp = new Promise<DnsAnswer<T>>((resolve) => {
      onAbort = () => resolve(aborted);
      signal?.addEventListener('abort', onAbort, { once: true });
      const late = dnsFailure('timeout', `No answer within ${this.#timeoutMs} ms.`);
      timer = setTimeout(() => resolve(late), this.#timeoutMs).unref();
    });
    try {
      return await Promise.race([this.#query(canonical, type), givenUp]);
    } finally {
      clearTimeout(timer);
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    }
  }

  async #query<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<T>> {
    const absence = { ttl: this.#ttl, authentic: false };
    try {
      const { records, ttl = this.#ttl } = await questions[type](this.#resolver, name);
      if (records.length === 0) return Object.freeze({ kind: 'nodata', ...absence });
      for (const record of records) Object.freeze(record);
      return Object.freeze({ kind: 'records', records: Object.freeze(records), ttl, authentic: false });
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      if (code === 'ENOTFOUND') return Object.freeze({ kind: 'nxdomain', ...absence });
      if (code === 'ENODATA') return Object.freeze({ kind: 'nodata', ...absence });
      return dnsFailure(reasons.get(code) ?? 'network', `node:dns answered ${code}.`);
    }
  }
}

function isNodeResolver(value: unknown): value is NodeResolver {
  if (typeof value !== 'object' || value === null || value instanceof CallbackResolver) return false;
  return 'resolve4' in value && typeof value.resolve4 === 'function';
}

/**
 * A `Resolver` over a resolver of `node:dns`, for those who must use c-ares. `DnsClient` knows more: what c-ares does not
 * tell, this cannot either.
 *
 * - The TTL is known of A and AAAA records alone; for all else it is `ttlMs`. There is no `canonicalName`.
 * - `authentic` is always `false`.
 * - An abort ends the wait at once; the query itself goes on inside c-ares, and its answer is ignored.
 * - Servers, tries and time-out of one try are those of the resolver given; `timeoutMs` is the deadline of all.
 * - In names, octets that are no letter, digit, hyphen or underscore come as c-ares writes them.
 *
 * It does not cache: `new CachingResolver(fromNodeDns(…))` does.
 *
 * @throws TypeError when `resolver` is not a resolver of `node:dns/promises`, or an option has the wrong type
 *
 * @example
 * ```ts
 * import { promises as dns } from 'node:dns';
 * import { fromNodeDns } from '@postern/core';
 *
 * const resolver = fromNodeDns(new dns.Resolver({ timeout: 2_000, tries: 2 }));
 * const answer = await resolver.resolve('example.com', 'MX');
 * ```
 */
export function fromNodeDns(resolver: NodeResolver, options?: NodeDnsOptions): Resolver {
  if (!isNodeResolver(resolver)) throw new TypeError('fromNodeDns: takes a Resolver of node:dns/promises');
  const read = new OptionReader('fromNodeDns', options);
  const ttlMs = read.integer('ttlMs', 60_000, { min: 0, max: 0x7fffffff });
  const timeoutMs = read.integer('timeoutMs', 5_000, { min: 1, max: 0x7fffffff });
  read.done();
  return new NodeDnsResolver(resolver, Math.floor(ttlMs / 1_000), timeoutMs);
}
