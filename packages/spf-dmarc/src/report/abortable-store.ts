import { type AcquireResult, type Awaitable, abortable, type Slot, type Store } from '@postern/core';

/** What reports use of a store. */
export type ReportStore = Pick<Store, 'acquire' | 'renew' | 'release' | 'remember' | 'recall' | 'forget'>;

/**
 * The store, whose answers are waited for until the signal fires: from then on its calls reject with the signal's reason.
 * What they ask for happens all the same, except that a lease which comes too late is given back.
 */
export function abortableStore(store: ReportStore, signal: AbortSignal | undefined): ReportStore {
  if (signal === undefined) return store;
  const wait = <T>(answer: Awaitable<T>): Awaitable<T> => {
    return answer instanceof Promise ? abortable(answer, signal) : answer;
  };
  const giveBack = (taken: AcquireResult): void => {
    if (taken.granted && signal.aborted) Promise.resolve(store.release(taken.lease)).catch(() => {});
  };
  return {
    acquire(slots: readonly Slot[], leaseMs: number): Awaitable<AcquireResult> {
      const taken = store.acquire(slots, leaseMs);
      if (taken instanceof Promise) taken.then(giveBack, () => {});
      return wait(taken);
    },
    renew: (lease, leaseMs) => wait(store.renew(lease, leaseMs)),
    release: (lease) => wait(store.release(lease)),
    remember: (key, value, ttlMs) => wait(store.remember(key, value, ttlMs)),
    recall: (keys) => wait(store.recall(keys)),
    forget: (key) => wait(store.forget(key)),
  };
}
