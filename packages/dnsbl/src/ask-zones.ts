import type { DnsAnswer, IpAddress, ResolveOptions, Resolver } from '@postern/core';
import type { CompiledZone } from './compiled-zone.ts';
import { type DnsblResult, sumUp } from './dnsbl-result.ts';
import { decisionAt } from './early-decision.ts';
import { judgeAnswer, skippedResult, unknownResult } from './judge-answer.ts';
import { listingText } from './listing-text.ts';
import { traced } from './query-tracing.ts';
import type { ZoneHealth } from './zone-health.ts';
import type { ZoneResult, ZoneUnknownReason } from './zone-result.ts';

/** How zones are asked. */
export interface AskOptions {
  readonly resolver: Resolver;
  readonly timeoutMs: number;
  /** `Infinity`: all zones are awaited. */
  readonly stopAtScore: number;
  readonly health: ZoneHealth | undefined;
}

/** A zone, what stands before its suffix in the question to it, and what it said so far. */
export interface Question {
  readonly zone: CompiledZone;
  readonly labels: string;
  result: ZoneResult | undefined;
}

/** Puts the text of a listing's TXT record into its result. */
function withText(zone: CompiledZone, result: ZoneResult, answer: DnsAnswer<'TXT'>): ZoneResult {
  if (answer.kind !== 'records') return result;
  const text = listingText(answer.records.join(' / '), zone.key);
  return text === '' ? result : { ...result, text };
}

/** One query: what is asked, and who waits. */
class ZoneQuery {
  readonly #questions: readonly Question[];
  readonly #subject: IpAddress | string;
  readonly #options: AskOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #settle: (result: DnsblResult) => void;
  readonly #allowLookups = new AbortController();
  /** Its own only where block zones can be given up before allow zones. */
  readonly #blockLookups: AbortController;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#giveUp('aborted');
  /** One more than zones are asked: the loop's own, so that the query cannot settle before it ends. */
  #pending = 1;
  #settled = false;

  constructor(
    questions: readonly Question[],
    subject: IpAddress | string,
    options: AskOptions,
    signal: AbortSignal | undefined,
    settle: (result: DnsblResult) => void,
  ) {
    this.#questions = questions;
    this.#subject = subject;
    this.#options = options;
    this.#signal = signal;
    this.#settle = settle;
    this.#blockLookups = options.stopAtScore === Number.POSITIVE_INFINITY ? this.#allowLookups : new AbortController();
    this.#timer = setTimeout(() => this.#giveUp('timeout'), options.timeoutMs);
    this.#timer.unref();
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  start(): void {
    // A listing that has expired may have been lifted since: no stale answers.
    const ofAllow: ResolveOptions = { signal: this.#allowLookups.signal, staleMs: 0 };
    const ofBlock: ResolveOptions = { signal: this.#blockLookups.signal, staleMs: 0 };
    this.#heard();
    if (this.#settled) return;
    for (const question of this.#questions) {
      if (question.result !== undefined) continue;
      this.#pending++;
      this.#ask(question, question.zone.kind === 'allow' ? ofAllow : ofBlock);
    }
    this.#done();
  }

  /** Never rejects. */
  async #ask(question: Question, options: ResolveOptions): Promise<void> {
    const { zone, labels } = question;
    const { resolver } = this.#options;
    try {
      const name = labels + zone.suffix;
      // The secret in the name is not for traces.
      const how = zone.shownSuffix === undefined ? options : { ...options, shownAs: labels + zone.shownSuffix };
      const text = zone.txt === 'always' ? resolver.resolve(name, 'TXT', how) : undefined;
      // Nobody may come to wait for it.
      text?.catch(() => {});
      const result = judgeAnswer(zone, await resolver.resolve(name, 'A', how), this.#subject);
      if (question.result === undefined) {
        question.result = result;
        this.#heard();
        if (result.status === 'listed' && zone.txt !== 'never' && !this.#settled) {
          question.result = withText(zone, result, await (text ?? resolver.resolve(name, 'TXT', how)));
        }
      }
    } catch {
      // A listing stands without its text.
      question.result ??= unknownResult(zone, 'resolver-error');
      this.#heard();
    }
    this.#done();
  }

  #done(): void {
    if (--this.#pending === 0) this.#end('timeout');
  }

  /** A zone has said something, or it is the beginning: is that enough? */
  #heard(): void {
    const { stopAtScore } = this.#options;
    if (this.#settled || stopAtScore === Number.POSITIVE_INFINITY) return;
    const decision = decisionAt(stopAtScore, this.#questions);
    if (decision === 'open') return;
    for (const question of this.#questions) {
      if (decision === 'decided' || question.zone.kind === 'block') {
        question.result ??= skippedResult(question.zone, 'stopped');
      }
    }
    if (decision === 'decided') this.#giveUp('timeout');
    else this.#blockLookups.abort();
  }

  /** Nobody needs what comes from now on. */
  #giveUp(missing: ZoneUnknownReason): void {
    this.#end(missing);
    this.#blockLookups.abort();
    this.#allowLookups.abort();
  }

  #end(missing: ZoneUnknownReason): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    const results = this.#questions.map(({ zone, result }) => result ?? unknownResult(zone, missing));
    const { health } = this.#options;
    if (health !== undefined) for (const result of results) tellHealth(health, result);
    this.#settle(sumUp(results));
  }
}

/** These tell nothing of the zone: it was not asked, or its answer was not awaited. */
const silentAboutZone: ReadonlySet<string> = new Set(['aborted', 'set-aside', 'over-budget', 'too-many-at-once']);

function tellHealth(health: ZoneHealth, { status, zone, reasons: [reason = ''] }: ZoneResult): void {
  if (status === 'unknown' && !silentAboutZone.has(reason)) health.suspect(zone);
}

/**
 * Asks all zones at once and waits for all of them, at most `timeoutMs`, or until the score is decided. Never rejects:
 * whatever a resolver does, the zones that have not answered by then are `unknown`.
 *
 * @param questions - those with a result are not asked
 * @param subject - for the look-up links
 */
export function askZones(
  questions: readonly Question[],
  subject: IpAddress | string,
  options: AskOptions,
  signal: AbortSignal | undefined,
): Promise<DnsblResult> {
  if (signal?.aborted) {
    return Promise.resolve(sumUp(questions.map(({ zone, result }) => result ?? unknownResult(zone, 'aborted'))));
  }
  const { health } = options;
  if (health !== undefined) {
    for (const question of questions) {
      if (question.result === undefined && health.isAside(question.zone.name)) {
        question.result = unknownResult(question.zone, 'set-aside');
      }
    }
  }
  return traced(
    subject,
    () => new Promise((resolve) => new ZoneQuery(questions, subject, options, signal, resolve).start()),
  );
}
