import { type Awaitable, clientKey, type IpAddress, isPending, type Store } from '@postern/core';

const WEEK_MS = 604_800_000;
const YES = new Uint8Array([1]);

/** Which clients have delivered mail that was accepted in the last seven days. Memory is bounded by the store. */
export class KnownClients {
  readonly #store: Store;
  readonly #prefix: string;

  constructor(store: Store, prefix: string) {
    this.#store = store;
    this.#prefix = `${prefix}known:`;
  }

  /** Whatever becomes of it: who is not remembered is a stranger. */
  remember(ip: IpAddress): void {
    try {
      const done = this.#store.remember(this.#prefix + clientKey(ip), YES, WEEK_MS);
      if (isPending(done)) done.then(undefined, () => {});
    } catch {}
  }

  /** Never rejects: while the store cannot be asked, nobody is known. */
  has(ip: IpAddress): Awaitable<boolean> {
    try {
      const found = this.#store.recall([this.#prefix + clientKey(ip)]);
      if (!isPending(found)) return found[0] !== undefined;
      return found.then(
        ([value]) => value !== undefined,
        () => false,
      );
    } catch {
      return false;
    }
  }
}
