import type { Store } from '@postern/core';

/** Another machine's: not the memory of this process. */
export function delegatingStore(inner: Store): Store {
  return {
    charge: (charges) => inner.charge(charges),
    refund: (charges) => inner.refund(charges),
    reset: (keys) => inner.reset(keys),
    acquire: (slots, leaseMs) => inner.acquire(slots, leaseMs),
    renew: (lease, leaseMs) => inner.renew(lease, leaseMs),
    release: (lease) => inner.release(lease),
    remember: (key, value, ttlMs) => inner.remember(key, value, ttlMs),
    recall: (keys) => inner.recall(keys),
    forget: (key) => inner.forget(key),
    publish: (topic, payload) => inner.publish(topic, payload),
    subscribe: (topic, listener) => inner.subscribe(topic, listener),
  };
}
