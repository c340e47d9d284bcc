import {
  type DeadlineOptions,
  DeadlineResolver,
  isResolver,
  OptionReader,
  type Resolver,
  toAsciiDomain,
} from '@postern/core';
import { shownText } from '../shown-text.ts';
import { flattenSpf } from './flatten-spf.ts';
import { SpfTreeReader } from './read-spf-tree.ts';
import type { SpfFinding } from './spf-finding.ts';
import type { SpfNetworks } from './spf-networks.ts';
import type { SpfTreeRecord } from './spf-tree.ts';
import { judgeTree } from './tree-findings.ts';

/** How to ask {@link lintSpf}. */
export interface SpfLintOptions {
  /** Who asks DNS; core's `systemResolver()`, for instance. */
  readonly resolver: Resolver;
  /** Ends the wait at once: what is not known by then is `lookup-failed`. */
  readonly signal?: AbortSignal;
  /** Milliseconds for all lookups together. Default 20,000; from 1 to 600,000. */
  readonly timeoutMs?: number;
  /**
   * How many questions are asked at most. More than an evaluation asks, so that the findings say "14 of 10 lookups" and
   * not only "more than 10". Default 100; from 1 to 1,000.
   */
  readonly maxQueries?: number;
}

/** What is to be said of a domain's SPF record. Plain JSON. */
export interface SpfLint {
  /** In lower case and A-labels. */
  readonly domain: string;
  /**
   * How many of the 10 terms that may ask DNS (RFC 7208 §4.6.4) a client costs that no term matches. May be more than 10.
   */
  readonly lookupTerms: number;
  /** The same of the 2 void lookups, for clients of each family. */
  readonly voidLookups: SpfTreeRecord['voidLookups'];
  /** The worst first; at most 20 of one code. */
  readonly findings: readonly SpfFinding[];
  /** The record and everything that it leads to, with what each term costs. */
  readonly tree: SpfTreeRecord;
  /** Which addresses get which result. */
  readonly networks: SpfNetworks;
}

const DEFAULT_TIMEOUT_MS = 20_000;
const MAX_TIMEOUT_MS = 600_000;
const DEFAULT_QUERIES = 100;
const MAX_QUERIES = 1_000;

/**
 * What a domain's owner wants to know of its SPF record: what of it is wrong, what it costs of the limits that receivers
 * set (RFC 7208 §4.6.4), which term costs what, and which addresses may send in the end.
 *
 * Everything that the record leads to is looked up once: `include`, `redirect`, `a`, `mx`, `exists` and `exp` whose names
 * are the same for every message. Other macros and `ptr` are reported, and taken for matching nothing. A lookup that fails
 * is a finding of its own and no verdict.
 *
 * Bounds: `maxQueries` questions, 20 records one in the other, 10,000 terms, `timeoutMs` for all.
 *
 * @param domain - in any case, Unicode or A-labels
 * @returns never rejects because of DNS, or for what stands there
 * @throws TypeError or RangeError (as a rejection) that names the option; TypeError when `domain` is no string
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { formatSpfTree, lintSpf } from '@postern/spf-dmarc';
 *
 * const lint = await lintSpf('example.com', { resolver: systemResolver() });
 * for (const { severity, message, advice } of lint.findings) console.log(`${severity}: ${message} ${advice}`);
 * console.log(formatSpfTree(lint));
 * console.log(lint.networks.pass.ip4);
 * ```
 */
export async function lintSpf(domain: string, options: SpfLintOptions): Promise<SpfLint> {
  const read = new OptionReader('lintSpf', options);
  const resolver = read.required('resolver', isResolver, 'a Resolver');
  const signal = read.signal('signal');
  const timeoutMs = read.integer('timeoutMs', DEFAULT_TIMEOUT_MS, { min: 1, max: MAX_TIMEOUT_MS });
  const maxQueries = read.integer('maxQueries', DEFAULT_QUERIES, { min: 1, max: MAX_QUERIES });
  read.done();
  if (typeof domain !== 'string') throw new TypeError('lintSpf: the domain must be a string');

  const name = toAsciiDomain(domain, { underscores: true });
  // RFC 7208 §4.3: for a name of one label there is no check.
  const tree = name?.includes('.') ? await readTree(name, resolver, { timeoutMs, signal }, maxQueries) : undefined;
  if (tree === undefined) return notADomain(shownText(domain));
  const networks = flattenSpf(tree);
  const { lookupTerms, voidLookups } = tree;
  return { domain: tree.domain, lookupTerms, voidLookups, findings: judgeTree(tree, networks), tree, networks };
}

async function readTree(
  name: string,
  resolver: Resolver,
  deadline: DeadlineOptions,
  maxQueries: number,
): Promise<SpfTreeRecord> {
  using dns = new DeadlineResolver(resolver, deadline);
  return await new SpfTreeReader(name, dns, maxQueries).read();
}

function notADomain(domain: string): SpfLint {
  const voidLookups = { ip4: 0, ip6: 0 };
  const tree: SpfTreeRecord = {
    domain,
    status: 'none',
    others: [],
    txtBytes: 0,
    terms: [],
    lookupTerms: 0,
    voidLookups,
  };
  const finding: SpfFinding = {
    code: 'not-a-domain',
    severity: 'critical',
    message: `"${domain}" is no domain that mail can come from.`,
    advice: '',
    evidence: { domain },
  };
  return { domain, lookupTerms: 0, voidLookups, findings: [finding], tree, networks: flattenSpf(tree) };
}
