import { DeadlineResolver, type HeaderFields, type MethodResult, type Resolver } from '@postern/core';
import { dkimMethodResults } from '../dkim/dkim-method-results.ts';
import type { DkimSignatureResult } from '../dkim/dkim-signature-result.ts';
import { DkimVerifier } from '../dkim/dkim-verifier.ts';
import { signatureResult } from '../dkim/signature-result.ts';
import { readAuthorDomains } from '../dmarc/author-domains.ts';
import type { DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import type { DmarcRuling } from '../dmarc/dmarc-local-policy.ts';
import { dmarcMethodResult } from '../dmarc/dmarc-method-result.ts';
import type { DmarcOverride } from '../dmarc/dmarc-override.ts';
import type { OnReject } from '../dmarc/dmarc-settings.ts';
import { summarize } from '../dmarc/dmarc-summary.ts';
import { evaluateDmarc } from '../dmarc/evaluate-dmarc.ts';
import { DmarcLookups } from '../dmarc/tree-walk.ts';
import type { SpfCheck } from '../spf/spf-evaluation.ts';
import { type ArcChain, readArcChain } from './arc-chain.ts';
import type { ArcEvaluation } from './arc-evaluation.ts';
import { arcMethodResult } from './arc-method-result.ts';
import type { BimiEvaluation } from './bimi-evaluation.ts';
import type { ContentSettings } from './content-settings.ts';
import { evaluateArc } from './evaluate-arc.ts';
import { bimiMethodResult, evaluateBimi } from './evaluate-bimi.ts';
import { loadMailauth, type Mailauth } from './load-mailauth.ts';
import { OnceResolver } from './once-resolver.ts';
import { sealersOverride } from './trusted-sealers.ts';

/** What a message says of its sender. */
export interface ContentFindings {
  readonly dkim: readonly DkimSignatureResult[];
  readonly dmarc: DmarcEvaluation;
  /** With the option `arc`. */
  readonly arc: ArcEvaluation | undefined;
  /** With the option `bimi`. */
  readonly bimi: BimiEvaluation | undefined;
  /** What a rule of the receiver's own, or the word of a trusted sealer, makes of a message that fails DMARC, or may. */
  readonly ruling: DmarcRuling | undefined;
}

/** Why a message cannot be judged. */
interface Unjudged {
  readonly kind: 'header' | 'incomplete';
  readonly detail: string;
}

/** Why lookups end. One object for all: what an exception costs is its stack, which would say nothing here. */
const OVER = new DOMException('The message has been judged, or is not wanted any more.', 'AbortError');

/** So many different author domains are asked about ahead; as many as `evaluateDmarc` takes by default. */
const AUTHORS_AHEAD = 4;

/**
 * Everything that is to be found out about one message while it arrives: `header`, `write` for each chunk of the body, then
 * `end`, or `abort`. Keys and the DMARC record are asked for while the body still comes.
 */
export class ContentJudge {
  readonly #settings: ContentSettings;
  readonly #once: OnceResolver;
  readonly #verifier: DkimVerifier;
  readonly #gone = new AbortController();
  #header: HeaderFields | undefined;
  #chain: ArcChain | string | undefined;
  #mailauth: Promise<Mailauth> | undefined;

  constructor(settings: ContentSettings) {
    this.#settings = settings;
    this.#once = new OnceResolver(settings.resolver, this.#gone.signal);
    this.#verifier = new DkimVerifier(settings.dkim);
  }

  header(fields: HeaderFields): void {
    const { arc, bimi, owner } = this.#settings;
    this.#header = fields;
    if (arc !== undefined) this.#chain = readArcChain(fields, arc);
    const signature = typeof this.#chain === 'object' ? this.#chain.newestSignature?.field : undefined;
    if (signature !== undefined || bimi) {
      this.#mailauth = loadMailauth(owner, bimi ? 'bimi' : 'arc');
      // Heard of where it is needed.
      this.#mailauth.catch(() => {});
    }
    this.#verifier.header(fields, signature);
    const authors = readAuthorDomains(valuesOf(fields), AUTHORS_AHEAD);
    if (!authors.ok) return;
    const lookups = new DmarcLookups(this.#once);
    for (const domain of authors.domains) walkAhead(domain, lookups).catch(() => {});
  }

  write(chunk: Uint8Array): void {
    this.#verifier.write(chunk);
  }

  /** The message is complete. Rejects only when `mailauth` cannot be loaded. */
  async end(spf: SpfCheck, onReject: OnReject, signal?: AbortSignal): Promise<ContentFindings> {
    const onAbort = (): void => this.abort();
    if (signal?.aborted) this.abort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await this.#judge(spf, onReject);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.abort();
    }
  }

  /** Instead of `end`, for a message that cannot be judged: its header cannot be read, or it did not come to its end. */
  async unjudged(spf: SpfCheck, { kind, detail }: Unjudged): Promise<ContentFindings> {
    this.abort();
    const { resolver, timeoutMs } = this.#settings;
    const dkim = [signatureResult(kind, detail)];
    const identifiers = { headerFrom: [], spf: { result: spf.result, domain: spf.domain }, dkim };
    // Nothing is asked without an author.
    const nobody = await evaluateDmarc(identifiers, { resolver, timeoutMs });
    // What is incomplete may be there another time; a header that readers do not agree on has no author to rely on.
    const dmarc: DmarcEvaluation =
      kind === 'incomplete'
        ? { ...nobody, result: 'temperror', reason: 'authentication', summary: detail }
        : { ...nobody, result: 'permerror', reason: 'bad-from', summary: detail };
    return { dkim, dmarc, arc: undefined, bimi: undefined, ruling: undefined };
  }

  abort(): void {
    this.#gone.abort(OVER);
    this.#verifier.abort();
  }

  async #judge(spf: SpfCheck, onReject: OnReject): Promise<ContentFindings> {
    const header = this.#header;
    if (header === undefined) throw new TypeError('ContentJudge: there was no header');
    const { resolver, timeoutMs, dmarc: tuning, localPolicy, sealers, bimi: wantsBimi } = this.#settings;
    const { signal } = this.#gone;
    const began = performance.now();
    const dkim = await this.#verifier.end();
    // One deadline for all that the client waits for: what keys took is not there for the rest.
    const leftMs = Math.max(1, Math.ceil(timeoutMs - (performance.now() - began)));
    using dns = this.#mailauth && new DeadlineResolver(resolver, { timeoutMs: leftMs, signal });
    const [evaluation, arc] = await Promise.all([
      evaluateDmarc(
        { headerFrom: valuesOf(header), spf: { result: spf.result, domain: spf.domain }, dkim, ip: spf.ip },
        { ...tuning, ...(localPolicy && { localPolicy }), onReject, resolver: this.#once, timeoutMs: leftMs, signal },
      ),
      this.#arc(dns),
    ]);
    // Who is not to suffer from a failure need not wait until one is known.
    const open = evaluation.result === 'fail' || evaluation.result === 'temperror';
    const own = open ? localPolicy?.rulingOn(evaluation, spf.ip) : undefined;
    const vouched = open && own === undefined ? sealersOverride(arc, evaluation.authorDomain, sealers) : undefined;
    const dmarc = vouched === undefined || evaluation.disposition === 'none' ? evaluation : spared(evaluation, vouched);
    const bimi =
      wantsBimi && this.#mailauth && dns ? await evaluateBimi(header, dmarc, await this.#mailauth, dns) : undefined;
    return { dkim, dmarc, arc, bimi, ruling: own ?? (vouched && { disposition: 'none', override: vouched }) };
  }

  async #arc(dns: Resolver | undefined): Promise<ArcEvaluation | undefined> {
    if (this.#settings.arc === undefined) return undefined;
    const chain = this.#chain;
    const without = { sets: [], sealer: undefined };
    if (chain === undefined) return { ...without, result: 'none', summary: 'The message has no ARC fields.' };
    if (typeof chain === 'string') return { ...without, result: 'fail', summary: chain };
    const signature = this.#verifier.arcResult;
    if (signature === undefined || this.#mailauth === undefined || dns === undefined) {
      return { ...without, sets: chain.sets, result: 'fail', summary: 'The chain is not well-formed.' };
    }
    return evaluateArc(chain, signature.result, await this.#mailauth, dns);
  }
}

function valuesOf(header: HeaderFields): readonly string[] {
  return header.all('from').map(({ value }) => value);
}

/** What `evaluateDmarc` will ask first. */
async function walkAhead(domain: string, lookups: DmarcLookups): Promise<void> {
  const own = await lookups.lookUp(domain);
  if (own.kind === 'none') await lookups.walk(domain);
}

/** The evaluation of a message whose failure is not held against it. */
function spared(evaluation: DmarcEvaluation, why: DmarcOverride): DmarcEvaluation {
  const told = evaluation.overrides.filter(({ type }) => type === 'policy_test_mode');
  const decided = { disposition: 'none', overrides: [...told, why] } as const;
  return { ...evaluation, ...decided, summary: summarize(evaluation, decided, evaluation.authorDomains) };
}

/**
 * The findings as Authentication-Results has them (RFC 8601), but for SPF.
 *
 * @param ip - the client's address
 */
export function contentMethodResults({ dkim, dmarc, arc, bimi }: ContentFindings, ip: string): readonly MethodResult[] {
  const chain = arc && arcMethodResult(arc, ip);
  return [
    ...dkimMethodResults(dkim),
    dmarcMethodResult(dmarc),
    ...(chain === undefined ? [] : [chain]),
    ...(bimi === undefined ? [] : [bimiMethodResult(bimi)]),
  ];
}
