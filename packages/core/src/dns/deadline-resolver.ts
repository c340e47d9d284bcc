import { OptionReader } from '../options.ts';
import { dnsFailure } from './dns-failure.ts';
import type { DnsAnswer, DnsFailure, RecordType, ResolveOptions, Resolver } from './resolver.ts';

/** Until when a {@link DeadlineResolver} answers. */
export interface DeadlineOptions {
  /** Milliseconds from now, for all lookups together. From 1 to 2,147,483,647, the longest that a timer takes. */
  readonly timeoutMs: number;
  /** Ends all waits at once: what has no answer by then is a `failure`/`aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** The longest that a timer of Node takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Whether the options are what they should be. Reading them by name takes longer than a lookup that a cache answers. */
function areRight(options: DeadlineOptions): boolean {
  if (typeof options !== 'object' || options === null) return false;
  for (const name in options) if (name !== 'timeoutMs' && name !== 'signal') return false;
  const { timeoutMs, signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) return false;
  return Number.isSafeInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS;
}

/** Throws what is wrong with options. */
function readOptions(options: DeadlineOptions): DeadlineOptions {
  const read = new OptionReader('DeadlineResolver', options);
  const timeoutMs = read.integer('timeoutMs', 0, { min: 1, max: MAX_TIMEOUT_MS });
  const signal = read.signal('signal');
  read.done();
  return { timeoutMs, signal };
}

/** Of a resolver that others wrote nothing is known. No record is no answer: `nodata` and `nxdomain` say that. */
function isAnswer(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  switch (value.kind) {
    case 'records':
      return 'records' in value && Array.isArray(value.records) && value.records.length > 0;
    case 'failure':
      return 'reason' in value && typeof value.reason === 'string';
    default:
      return value.kind === 'nodata' || value.kind === 'nxdomain';
  }
}

function readAnswer<T extends RecordType>(answer: DnsAnswer<T>): DnsAnswer<T> {
  try {
    return isAnswer(answer) ? answer : dnsFailure('malformed', 'The resolver answered something that is no answer.');
  } catch (error) {
    return failureOf(error);
  }
}

/** The message may quote the name that was asked for, and that may hold a secret. */
function failureOf(error: unknown): DnsFailure {
  return dnsFailure('network', `The resolver failed: ${error instanceof Error ? error.name : 'it threw no error'}.`);
}

/**
 * One deadline for all lookups of one question about a client or a message. It answers what the resolver behind it
 * answers, and from the deadline on a `failure`/`timeout`, whatever that resolver does: one that hangs, throws,
 * answers rubbish or overhears its signal holds nobody up. Nothing rejects, so that a primitive reads one kind of outcome.
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
  /** Of all lookups since one was waited for last: to settle one again does nothing, and a list is cheaper than a set. */
  readonly #waiting: ((failure: DnsFailure) => void)[] = [];
  #open = 0;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#end(dnsFailure('aborted', 'The caller gave up.'));
  #over: DnsFailure | undefined;

  /** @throws TypeError or RangeError that names the option */
  constructor(upstream: Resolver, options: DeadlineOptions) {
    const { timeoutMs, signal } = areRight(options) ? options : readOptions(options);
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

  // Not an async function, nor with one under it: most answers come from a cache, faster than a promise more.
  resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> {
    if (this.#over !== undefined) return Promise.resolve(this.#over);
    const own = this.#controller.signal;
    const callers = options?.signal;
    if (callers?.aborted) return Promise.resolve(dnsFailure('aborted', 'The caller gave up.'));
    const signal = callers === undefined ? own : AbortSignal.any([own, callers]);
    return new Promise((resolve) => {
      let open = true;
      let leave: (() => void) | undefined;
      const settle = (answer: DnsAnswer<T>): void => {
        if (!open) return;
        open = false;
        if (--this.#open === 0) this.#waiting.length = 0;
        leave?.();
        resolve(answer);
      };
      const fail = (error: unknown): void => settle(failureOf(error));
      this.#open++;
      this.#waiting.push(settle);
      if (callers !== undefined) {
        const giveUp = (): void => settle(dnsFailure('aborted', 'The caller gave up.'));
        callers.addEventListener('abort', giveUp, { once: true });
        leave = () => callers.removeEventListener('abort', giveUp);
      }
      try {
        const asked = this.#upstream.resolve(name, type, { ...options, signal });
        // What others wrote may return no promise.
        Promise.resolve(asked).then((answer) => settle(readAnswer(answer)), fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  #end(failure: DnsFailure): void {
    if (this.#over !== undefined) return;
    this.#over = failure;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#open === 0) return;
    for (const settle of [...this.#waiting]) settle(failure);
    // An abort makes an error with its stack: several times what a lookup takes that a cache answers.
    this.#controller.abort();
  }

  [Symbol.dispose](): void {
    this.#onAbort();
  }
}
