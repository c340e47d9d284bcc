import { setTimeout as wait } from 'node:timers/promises';
import type { RedisCommands, RedisListener } from './redis-commands.ts';

/** How long `add` waits for Redis to confirm: a caller starts up then, no client waits. */
const confirmMs = 2_000;

/** What is listened to on one connection, which is opened for the first channel. */
export class Subscriptions {
  readonly #commands: RedisCommands;
  readonly #onReady: () => void;
  readonly #onGone: () => void;
  readonly #channels = new Map<string, (payload: Buffer) => void>();
  #listener: RedisListener | undefined;
  #closed = false;

  /** `onReady`: messages come from now on, some may have been lost before. `onGone`: they may be lost from now on. */
  constructor(commands: RedisCommands, onReady: () => void = () => {}, onGone: () => void = () => {}) {
    this.#commands = commands;
    this.#onReady = onReady;
    this.#onGone = onGone;
  }

  /** One handler a channel. Resolves when Redis has confirmed, or cannot be asked: then it is taken up later. */
  async add(channel: string, onMessage: (payload: Buffer) => void): Promise<void> {
    if (this.#closed) return;
    this.#channels.set(channel, onMessage);
    const confirmed = this.#listen()
      .subscribe(channel)
      .then(this.#onReady, () => {});
    await Promise.race([confirmed, wait(confirmMs, undefined, { ref: false })]);
  }

  async delete(channel: string): Promise<void> {
    if (!this.#channels.delete(channel)) return;
    const confirmed = this.#listener?.unsubscribe(channel).catch(() => {});
    await Promise.race([confirmed, wait(confirmMs, undefined, { ref: false })]);
  }

  close(): void {
    this.#closed = true;
    this.#channels.clear();
    this.#listener?.close();
    this.#listener = undefined;
  }

  #listen(): RedisListener {
    this.#listener ??= this.#commands.listen({
      message: (channel, payload) => this.#channels.get(channel)?.(payload),
      ready: () => this.#onReady(),
      gone: () => this.#onGone(),
    });
    return this.#listener;
  }
}
