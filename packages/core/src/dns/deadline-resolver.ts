import { errorText } from '../error-text.ts';
import { dnsFailure } from './dns-failure.ts';
import type { DnsAnswer, DnsFailure, RecordType, ResolveOptions, Resolver } from './resolver.ts';

/** Until when a {@link DeadlineResolver} answers. */
export interface DeadlineOptions {
  /** Milliseconds from now, for all lookups together. From 1 to 2,147,483,647, the longest that a timer takes. */
  readonly timeoutMs: number;
  /** Ends all waits at once: what has no answer by then is a `failure`/`aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One deadline for all lookups of one question about a client or a message. It answers what the resolver behind it
 * answers, and from the deadline on a `failure`/`timeout`, whatever that resolver does: one that hangs, throws or
 * overhears its signal holds nobody up. Nothing rejects, so that a primitive reads one kind of outcome.
 *
 * Dispose it when the answer is there: lookups that still run are aborted then, and the timer and the listener go.
 *
 * @example
 * ```ts
 * import { DeadlineResolver, type Resolver } from '@postern/core';
 *
 * async function addressesOf(name: string, resolver: Resolver, signal?: AbortSignal) {
 *   using dns = new DeadlineResolver(resolver, { timeoutMs: 3_000, signal });
 *   return Promise.all([dns.resolve(name, 'A'), dns.resolve(name, 'AAAA')]);
 * }
 * ```
 */
export class DeadlineResolver implements Resolver, Disposable {
  readonly #upstream: Resolver;
  readonly #signal: AbortSignal | undefined;
  readonly #controller = new AbortController();
  readonly #waiting = new Set<(failure: DnsFailure) => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#end(dnsFailure('aborted', 'The caller gave up.'));
  #over: DnsFailure | undefined;

  constructor(upstream: Resolver, { timeoutMs, signal }: DeadlineOptions) {
    this.#upstream = upstream;
    this.#signal = signal;
    this.#timer = setTimeout(() => this.#end(dnsFailure('timeout', `No answer within ${timeoutMs} ms.`)), timeoutMs);
    this.#timer.unref();
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Why there are no more answers; `undefined` while there are. */
  get over(): DnsFailure | undefined {
    return this.#over;
  }

  resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> {
    if (this.#over !== undefined) return Promise.resolve(this.#over);
    const own = this.#controller.signal;
    const signal = options?.signal === undefined ? own : AbortSignal.any([own, options.signal]);
    return new Promise((resolve) => {
      const settle = (answer: DnsAnswer<T>): void => {
        this.#waiting.delete(settle);
        resolve(answer);
      };
      this.#waiting.add(settle);
      this.#ask(name, type, { ...options, signal }).then(settle);
    });
  }

  async #ask<T extends RecordType>(name: string, type: T, options: ResolveOptions): Promise<DnsAnswer<T>> {
    try {
      return await this.#upstream.resolve(name, type, options);
    } catch (error) {
      return dnsFailure('network', `The resolver failed: ${errorText(error)}`);
    }
  }

  #end(failure: DnsFailure): void {
    if (this.#over !== undefined) return;
    this.#over = failure;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    for (const settle of this.#waiting) settle(failure);
    this.#controller.abort();
  }

  [Symbol.dispose](): void {
    this.#onAbort();
  }
}
