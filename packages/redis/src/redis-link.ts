import { DeadlineQueue } from './deadline-queue.ts';
import { LuaScript } from './lua-script.ts';
import { announceAvailability, reasonOf } from './redis-channels.ts';
import type { RedisCommands } from './redis-commands.ts';

/** So many failures after each other, and Redis is asked no more. */
const patience = 3;
/** After this long a probe that was never settled counts as lost. */
const lostProbeMs = 60_000;

/** A write, because a Redis that is out of memory, or a replica, still reads. */
const probeSource = `return redis.call('SET', KEYS[1], '1', 'PX', '1000')`;

/** How a link asks. */
export interface RedisLinkOptions {
  readonly owner: string;
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly maxInFlight: number;
  readonly probeMs: number;
}

/**
 * Asks Redis within a bound of time, and not at all while it does not answer.
 *
 * When three calls after each other have failed or were late, Redis counts as away: nothing is sent but, every `probeMs`,
 * one small write, until one is answered in time. Calls that a client still holds, be it in a queue for a connection that
 * it does not have, count as in flight until it settles them: never more than `maxInFlight`.
 */
export class RedisLink {
  readonly commands: RedisCommands;
  readonly #options: RedisLinkOptions;
  readonly #deadlines: DeadlineQueue;
  readonly #probe = new LuaScript(probeSource);
  readonly #probeKey: string;
  readonly #onRecovered: () => void;
  #inFlight = 0;
  #failures = 0;
  #awaySince: number | undefined;
  #probeSentAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(commands: RedisCommands, options: RedisLinkOptions, onRecovered: () => void = () => {}) {
    this.commands = commands;
    this.#options = options;
    this.#deadlines = new DeadlineQueue(options.timeoutMs);
    this.#probeKey = `{${options.prefix}}:probe`;
    this.#onRecovered = onRecovered;
  }

  /** Whether calls are sent. */
  get isAvailable(): boolean {
    return this.#awaySince === undefined && !this.#closed;
  }

  /** What the call gives within the time; `undefined` when it gives nothing, fails, or is not made at all. Never rejects. */
  ask<T>(call: () => Promise<T>): Promise<T | undefined> {
    if (!this.isAvailable || this.#inFlight >= this.#options.maxInFlight) return Promise.resolve(undefined);
    return this.#send(call);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #send<T>(call: () => Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const deadline = this.#deadlines.add(() => {
        this.#failed('timeout');
        resolve(undefined);
      });
      this.#inFlight++;
      called(call).then(
        (value) => {
          this.#inFlight--;
          if (!deadline.met()) return;
          this.#failures = 0;
          resolve(value);
        },
        (error: unknown) => {
          this.#inFlight--;
          if (!deadline.met()) return;
          this.#failed(reasonOf(error));
          resolve(undefined);
        },
      );
    });
  }

  #failed(reason: string): void {
    this.#failures++;
    if (this.#failures < patience || !this.isAvailable) return;
    this.#awaySince = performance.now();
    const { owner, prefix } = this.#options;
    announceAvailability({ available: false, owner, prefix, reason });
    this.#probeLater();
  }

  #probeLater(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#probeNow(), this.#options.probeMs).unref();
  }

  #probeNow(): void {
    const now = performance.now();
    if (this.#probeSentAt === undefined || now - this.#probeSentAt > lostProbeMs) this.#sendProbe(now);
    this.#probeLater();
  }

  #sendProbe(sentAt: number): void {
    this.#probeSentAt = sentAt;
    called(() => this.#probe.run(this.commands, [this.#probeKey], [])).then(
      () => this.#probeSettled(sentAt, true),
      () => this.#probeSettled(sentAt, false),
    );
  }

  #probeSettled(sentAt: number, answered: boolean): void {
    if (this.#probeSentAt !== sentAt) return;
    this.#probeSentAt = undefined;
    if (!answered || this.#closed || this.#awaySince === undefined) return;
    // What was sent to a server that hung is answered late when it wakes: the next one will be in time.
    if (performance.now() - sentAt > this.#options.timeoutMs) this.#probeNow();
    else this.#recovered(this.#awaySince);
  }

  #recovered(awaySince: number): void {
    clearTimeout(this.#timer);
    this.#awaySince = undefined;
    this.#failures = 0;
    const { owner, prefix } = this.#options;
    announceAvailability({ available: true, owner, prefix, awayMs: Math.round(performance.now() - awaySince) });
    this.#onRecovered();
  }
}

/** A client that throws instead of rejecting is one more that failed. */
async function called<T>(call: () => Promise<T>): Promise<T> {
  return call();
}
