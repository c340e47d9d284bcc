import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from '@postern/core';
import type { SpfDeadline } from './spf-deadline.ts';
import type { SpfLookup, SpfLookupPurpose } from './spf-evaluation.ts';

/** The questions of one evaluation: asked, counted and written down. */
export class SpfLookups {
  readonly log: SpfLookup[] = [];
  readonly #resolver: Resolver;
  readonly #deadline: SpfDeadline;
  readonly #options: ResolveOptions;
  #voids = 0;

  constructor(resolver: Resolver, deadline: SpfDeadline) {
    this.#resolver = resolver;
    this.#deadline = deadline;
    this.#options = { signal: deadline.signal };
  }

  /** How many lookups of terms were void. */
  get voids(): number {
    return this.#voids;
  }

  /** Asks; what comes is for {@link note}. */
  resolve<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<T>> {
    return this.#resolver.resolve(name, type, this.#options);
  }

  /**
   * Writes an answer down and gives it back.
   *
   * @param cost - 1 when a term asked, 0 when the lookup is a consequence of another, or the first one
   * @throws Error when nobody waits for it any more, or when it is no answer: a resolver may be anybody's
   */
  note<T extends RecordType>(
    name: string,
    type: T,
    purpose: SpfLookupPurpose,
    cost: 0 | 1,
    answer: DnsAnswer<T>,
  ): DnsAnswer<T> {
    if (this.#deadline.hasOutcome) throw new Error('the check is over');
    const { kind } = answer;
    const isAbsent = kind === 'nodata' || kind === 'nxdomain';
    if (!isAbsent && kind !== 'records' && kind !== 'failure') throw new TypeError('the resolver gave no answer');
    // RFC 7208 §4.6.4 speaks of the "terms" for which DNS has nothing, not of their hosts' addresses and their macros.
    const isVoid = isAbsent && cost === 1 && purpose !== 'ptr';
    if (isVoid) this.#voids++;
    this.log.push({ name, type, purpose, answer, cost, void: isVoid });
    return answer;
  }

  /** Asks, and writes the answer down. */
  async ask<T extends RecordType>(
    name: string,
    type: T,
    purpose: SpfLookupPurpose,
    cost: 0 | 1,
  ): Promise<DnsAnswer<T>> {
    return this.note(name, type, purpose, cost, await this.resolve(name, type));
  }
}
