/** What can be full: the client's own slots, those of its network, those of all strangers, or all there are. */
export type ConcurrencyLimit = 'client' | 'network' | 'strangers' | 'total';

/** Something that ends by itself: a socket, or any other stream. */
export interface Closing {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** A held slot. */
export interface ConcurrencyLease extends Disposable {
  readonly granted: true;
  /** Gives the slot back. The first call does; every other does nothing. */
  release(): void;
  /** Releases when the socket closes, or now if it is destroyed already. Returns the lease. */
  releaseOn(socket: Closing): ConcurrencyLease;
}

/** Why there is no lease. */
export interface ConcurrencyRefusal {
  readonly granted: false;
  /** What was full; `undefined` when the signal fired before anything was asked. */
  readonly limit: ConcurrencyLimit | undefined;
  /** `full`: at once. `waited`: none came free in time. `aborted`: the signal fired. */
  readonly reason: 'full' | 'waited' | 'aborted';
  /** Milliseconds. Nobody knows when a slot comes free: the limiter's option of this name. */
  readonly retryAfterMs: number;
}

/** A lease that runs `giveBack` once, whoever asks for it and how often. */
export class Lease implements ConcurrencyLease {
  readonly granted = true;
  #giveBack: (() => void) | undefined;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }

  releaseOn(socket: Closing): ConcurrencyLease {
    if (socket.destroyed) this.release();
    else socket.once('close', () => this.release());
    return this;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
