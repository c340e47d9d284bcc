import type { Slot } from '@postern/core';
import type { HeldSlots } from './slot-holder.ts';

/** What someone waits for. */
export interface Wish {
  /** By whom a client's places in the line are counted. */
  readonly client: string;
  readonly slots: readonly Slot[];
  /** The key that was full when it was last tried. */
  blockedOn: string;
}

/** What waiting has led to. */
export type WaitEnd =
  | HeldSlots
  | { readonly granted: false; readonly key: string; readonly reason: 'waited' | 'aborted' };

/** How long the line may be, in all and for one client. */
export interface LineBounds {
  readonly maxWaiting: number;
  readonly maxWaitingPerClient: number;
}

/**
 * Who waits, in the order in which they came. Nobody overtakes one who waits for the same key; who waits for another key
 * does not hold up those behind.
 */
export class WaitingLine {
  readonly #bounds: LineBounds;
  /** With what ends each wait. */
  readonly #wishes = new Map<Wish, (end: WaitEnd) => void>();
  readonly #perClient = new Map<string, number>();

  constructor(bounds: LineBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#wishes.size;
  }

  /** In their order. Who leaves meanwhile is not met any more. */
  get wishes(): IterableIterator<Wish> {
    return this.#wishes.keys();
  }

  /** The first key of these slots that someone waits for. */
  blocking(slots: readonly Slot[]): string | undefined {
    for (const { blockedOn } of this.#wishes.keys()) {
      if (slots.some(({ key }) => key === blockedOn)) return blockedOn;
    }
    return undefined;
  }

  hasRoomFor(client: string): boolean {
    const { maxWaiting, maxWaitingPerClient } = this.#bounds;
    return this.#wishes.size < maxWaiting && (this.#perClient.get(client) ?? 0) < maxWaitingPerClient;
  }

  /** Waits until the wish is granted, the time is up, or the signal fires. */
  join(wish: Wish, waitMs: number, signal: AbortSignal | undefined): Promise<WaitEnd> {
    return new Promise((resolve) => {
      const give = (reason: 'waited' | 'aborted'): void => {
        this.#end(wish, { granted: false, key: wish.blockedOn, reason });
      };
      const onAbort = (): void => give('aborted');
      const timer = setTimeout(give, waitMs, 'waited').unref();
      signal?.addEventListener('abort', onAbort);
      this.#perClient.set(wish.client, (this.#perClient.get(wish.client) ?? 0) + 1);
      this.#wishes.set(wish, (end) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        resolve(end);
      });
    });
  }

  /** `false`: who wished for it does not wait any more. */
  grant(wish: Wish, held: HeldSlots): boolean {
    return this.#end(wish, held);
  }

  #end(wish: Wish, end: WaitEnd): boolean {
    const leave = this.#wishes.get(wish);
    if (leave === undefined) return false;
    this.#wishes.delete(wish);
    const left = (this.#perClient.get(wish.client) ?? 1) - 1;
    if (left === 0) this.#perClient.delete(wish.client);
    else this.#perClient.set(wish.client, left);
    leave(end);
    return true;
  }
}
