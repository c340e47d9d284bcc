import type { Store } from '@postern/core';

/** A store with some of its calls replaced, for tests; the others are those of the store of the moment. */
export function storeWith(store: () => Store, changes: Partial<Store>): Store {
  return {
    charge: (charges) => store().charge(charges),
    refund: (charges) => store().refund(charges),
    reset: (keys) => store().reset(keys),
    acquire: (slots, leaseMs) => store().acquire(slots, leaseMs),
    renew: (lease, leaseMs) => store().renew(lease, leaseMs),
    release: (lease) => store().release(lease),
    remember: (key, value, ttlMs) => store().remember(key, value, ttlMs),
    recall: (keys) => store().recall(keys),
    forget: (key) => store().forget(key),
    publish: (topic, payload) => store().publish(topic, payload),
    subscribe: (topic, listener) => store().subscribe(topic, listener),
    ...changes,
  };
}

/** A promise, and what resolves it. */
export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
