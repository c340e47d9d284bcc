import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from '@postern/core';

/**
 * Asks each question about one message once: what was asked ahead, while the message still came, is there when it is needed,
 * whether the resolver behind keeps answers or not.
 *
 * The caller's own signal and options are not passed on, as several callers share an answer: each ends its wait by itself
 * (`DeadlineResolver`), and `signal` ends all lookups.
 */
export class OnceResolver implements Resolver {
  readonly #resolver: Resolver;
  readonly #options: ResolveOptions;
  readonly #answers = new Map<string, Promise<DnsAnswer>>();

  constructor(resolver: Resolver, signal: AbortSignal) {
    this.#resolver = resolver;
    this.#options = { signal };
  }

  resolve<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<T>>;
  resolve(name: string, type: RecordType): Promise<DnsAnswer> {
    const key = `${type} ${name}`;
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.#resolver.resolve(name, type, this.#options);
      this.#answers.set(key, answer);
    }
    return answer;
  }
}
