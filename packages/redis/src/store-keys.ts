import { type Charge, storedKey } from '@postern/core';

/** One letter in a key's name for each algorithm. */
const letters = { gcra: 'g', fixed: 'f', sliding: 's' } as const satisfies Record<Charge['algorithm'], string>;

/**
 * The names that a store's keys have in Redis: the prefix in braces, a letter, the key. What stands in braces decides the
 * slot in a cluster, so all keys of one prefix lie on one node. One call may name any of them together (a client, its
 * network, everyone), so no smaller part would do.
 */
export class StoreKeys {
  readonly #tag: string;

  constructor(prefix: string) {
    this.#tag = `{${prefix}}:`;
  }

  rate(algorithm: Charge['algorithm'], key: string): string {
    return `${this.#tag}${letters[algorithm]}:${storedKey(key)}`;
  }

  /** The names of all states that a key may have. */
  rates(key: string): string[] {
    return Object.values(letters).map((letter) => `${this.#tag}${letter}:${storedKey(key)}`);
  }

  slot(key: string): string {
    return `${this.#tag}l:${storedKey(key)}`;
  }

  value(key: string): string {
    return `${this.#tag}v:${storedKey(key)}`;
  }

  topic(topic: string): string {
    return `${this.#tag}t:${storedKey(topic)}`;
  }

  /** The channel on which stores tell each other what was taken back. */
  get news(): string {
    return `${this.#tag}news`;
  }
}
