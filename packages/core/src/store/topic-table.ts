import type { Unsubscribe } from './store.ts';

interface Subscription {
  readonly listener: (payload: Uint8Array) => unknown;
  active: boolean;
}

/**
 * Who listens to which topic, within one process. A payload is handed over in a microtask, one publication after the other:
 * as with a store on another machine, no listener runs inside of `publish`.
 *
 * A listener that throws, or whose promise rejects, becomes a process warning: the others still get the payload, and one
 * faulty listener does not end a server.
 */
export class TopicTable {
  readonly #topics = new Map<string, Set<Subscription>>();

  publish(topic: string, payload: Uint8Array): void {
    const subscribers = this.#topics.get(topic);
    if (subscribers === undefined) return;
    const present = [...subscribers];
    // The publisher may use his bytes again, and no listener may change those of the next.
    const bytes = new Uint8Array(payload);
    queueMicrotask(() => {
      for (const subscription of present) {
        if (subscription.active) deliver(topic, subscription, new Uint8Array(bytes));
      }
    });
  }

  subscribe(topic: string, listener: (payload: Uint8Array) => void): Unsubscribe {
    const subscription: Subscription = { listener, active: true };
    const subscribers = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, subscribers.add(subscription));
    return () => {
      subscription.active = false;
      subscribers.delete(subscription);
      if (subscribers.size === 0 && this.#topics.get(topic) === subscribers) this.#topics.delete(topic);
    };
  }
}

function deliver(topic: string, { listener }: Subscription, payload: Uint8Array): void {
  try {
    const result = listener(payload);
    if (result instanceof Promise) result.catch((error: unknown) => warn(topic, error));
  } catch (error) {
    warn(topic, error);
  }
}

function warn(topic: string, error: unknown): void {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`A listener of the topic ${JSON.stringify(topic)} failed.`, { type: 'PosternWarning', detail });
}
