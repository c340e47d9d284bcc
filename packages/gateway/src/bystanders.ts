import { errorText, isPending } from '@postern/core';

/**
 * Calls code of others whose failure must not disturb the session: what it throws, or rejects with, becomes a process
 * warning, once per place, so that a listener that always fails does not fill the log.
 */
export class Bystanders {
  readonly #warned = new Set<string>();

  /** @param place - what is called, as the subject of a sentence; of a bounded number of places */
  call(place: string, action: () => unknown): void {
    try {
      const result = action();
      if (isPending(result)) result.then(undefined, (error: unknown) => this.#warn(place, error));
    } catch (error) {
      this.#warn(place, error);
    }
  }

  #warn(place: string, error: unknown): void {
    if (this.#warned.has(place)) return;
    this.#warned.add(place);
    process.emitWarning(`${place} failed and is ignored: ${errorText(error)}`, { type: 'PosternWarning' });
  }
}
