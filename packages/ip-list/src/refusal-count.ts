import { type Expiring, ExpiringMap } from '@postern/core';

/** Something that a client was refused. */
export interface Refusal {
  /** The kind of the finding that it was refused for. */
  readonly kind: string;
  /** The report that tells of it, of the transaction or of the session; of a login the session's id. */
  readonly report: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Refusals extends Expiring {
  readonly recent: readonly Refusal[];
}

/**
 * The last refusals of each client, exactly: so many in a window that moves. Bounded in clients and in refusals of each; of
 * too many clients the one goes that would be forgotten soonest anyway.
 */
export class RefusalCount {
  readonly #clients: ExpiringMap<Refusals>;
  readonly #most: number;
  readonly #withinMs: number;

  constructor(maxClients: number, most: number, withinMs: number) {
    this.#clients = new ExpiringMap({ maxKeys: maxClients });
    this.#most = most;
    this.#withinMs = withinMs;
  }

  /** Clients, those included whose refusals are too old and nobody came by. */
  get size(): number {
    return this.#clients.size;
  }

  /** Counts one, and gives those in the window, the newest `most` of them. */
  add(client: string, refusal: Refusal): readonly Refusal[] {
    const { at } = refusal;
    const before = this.#clients.get(client, at)?.recent ?? [];
    // A clock that was put back must not keep what seems to come for ever.
    const recent = [...before.filter((each) => Math.abs(at - each.at) < this.#withinMs), refusal].slice(-this.#most);
    this.#clients.set(client, { recent, expiresAt: at + this.#withinMs }, at);
    return recent;
  }

  forget(client: string): void {
    this.#clients.delete(client);
  }
}
