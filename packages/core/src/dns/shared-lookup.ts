import { dnsFailure } from './dns-failure.ts';
import type { DnsAnswer, RecordType } from './resolver.ts';

/** One caller that waits. */
interface Waiter<T extends RecordType> {
  settle(answer: DnsAnswer<T>): void;
  reject(error: unknown): void;
  /** What this caller would rather have than a failure or a long wait. */
  readonly fallback: (() => DnsAnswer<T> | undefined) | undefined;
  leave(): void;
}

/**
 * One lookup for which any number of callers wait. Each of them can leave; when nobody is left, the lookup is abandoned,
 * unless something else wants its answer.
 */
export class SharedLookup<T extends RecordType = RecordType> {
  readonly type: T;
  readonly #abandon = new AbortController();
  readonly #waiters = new Set<Waiter<T>>();
  #lateTimer: NodeJS.Timeout | undefined;
  #late = false;
  #kept = false;

  constructor(type: T) {
    this.type = type;
  }

  /** Fires when nobody wants the answer any more. */
  get abandoned(): AbortSignal {
    return this.#abandon.signal;
  }

  /** It has taken so long that callers who can do without it do. */
  get late(): boolean {
    return this.#late;
  }

  /** Goes on even when nobody waits. */
  keep(): void {
    this.#kept = true;
  }

  /**
   * Waits for the answer. An abort of `signal` ends this wait alone.
   *
   * @param fallback - asked for an answer in place of a failure, and when the lookup is late
   * @param lateAfterMs - when it is late: so long after the first caller with a fallback came
   */
  join(
    signal: AbortSignal | undefined,
    fallback: (() => DnsAnswer<T> | undefined) | undefined,
    lateAfterMs: number,
  ): Promise<DnsAnswer<T>> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        waiter.leave();
        resolve(dnsFailure('aborted', 'The caller gave up waiting.'));
        if (this.#waiters.size > 0 || this.#kept) return;
        clearTimeout(this.#lateTimer);
        this.#abandon.abort();
      };
      const leave = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter<T> = { settle: resolve, reject, fallback, leave };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (fallback !== undefined) this.#lateTimer ??= setTimeout(() => this.#becomeLate(), lateAfterMs).unref();
    });
  }

  settle(answer: DnsAnswer<T>): void {
    this.#end((waiter) => {
      waiter.settle(answer.kind === 'failure' ? (waiter.fallback?.() ?? answer) : answer);
    });
  }

  reject(error: unknown): void {
    this.#end((waiter) => waiter.reject(error));
  }

  #end(tell: (waiter: Waiter<T>) => void): void {
    clearTimeout(this.#lateTimer);
    for (const waiter of this.#waiters) {
      waiter.leave();
      tell(waiter);
    }
  }

  /** RFC 8767 §5, the client response timer: stale answers go out, and the lookup goes on. */
  #becomeLate(): void {
    this.#late = true;
    this.#kept = true;
    for (const waiter of this.#waiters) {
      const answer = waiter.fallback?.();
      if (answer === undefined) continue;
      waiter.leave();
      waiter.settle(answer);
    }
  }
}
