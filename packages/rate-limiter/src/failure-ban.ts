import {
  type Awaitable,
  type Clock,
  clientKey,
  formatIp,
  type IpAddress,
  type JsonObject,
  OptionReader,
  type Store,
} from '@postern/core';

/** Where bans go: an `IpList` of `@postern/ip-list`, or anything else with this call. */
export interface BanTarget {
  add(
    prefix: string,
    entry: {
      readonly action: 'block';
      readonly reason: string;
      readonly source: string;
      readonly expiresAt: number;
      readonly evidence: JsonObject;
    },
  ): Awaitable<void>;
}

/** Who is banned, and for how long. */
export interface FailureBanOptions {
  readonly list: BanTarget;
  /** So many failures, refused attempts included, are allowed … From 1 to 1,000,000. Default 50. */
  readonly failures?: number;
  /** … in so many milliseconds, from 1,000 to 2,592,000,000. One more is a ban. Default 3,600,000: an hour. */
  readonly withinMs?: number;
  /** Milliseconds that the ban lasts, from 1,000 to 31,536,000,000. Default 86,400,000: a day. */
  readonly forMs?: number;
}

/** Hands clients that fail again and again over to a list. */
export class FailureBan {
  readonly #list: BanTarget;
  readonly #failures: number;
  readonly #withinMs: number;
  readonly #forMs: number;
  readonly #prefix: string;
  readonly #clock: Clock;

  constructor(owner: string, options: unknown, prefix: string, clock: Clock) {
    const read = new OptionReader(`${owner} ban`, options);
    this.#list = read.required('list', isBanTarget, 'a list with add()');
    this.#failures = read.integer('failures', 50, { min: 1, max: 1_000_000 });
    this.#withinMs = read.integer('withinMs', 3_600_000, { min: 1_000, max: 2_592_000_000 });
    this.#forMs = read.integer('forMs', 86_400_000, { min: 1_000, max: 31_536_000_000 });
    read.done();
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /** Counts a failure. Whether it was one too many and the list has the client now; a list that fails has not. */
  async count(ip: IpAddress, store: Store): Promise<boolean> {
    const client = clientKey(ip);
    const key = `${this.#prefix}ban:${client}`;
    const { allowed } = await store.charge([
      { algorithm: 'gcra', key, cost: 1, count: this.#failures, perMs: this.#withinMs, burst: this.#failures },
    ]);
    if (allowed) return false;
    try {
      await this.#list.add(client, {
        action: 'block',
        reason: 'Too many failed attempts',
        source: 'failure-throttle',
        expiresAt: this.#clock.now() + this.#forMs,
        evidence: { address: formatIp(ip), failures: this.#failures + 1, withinMs: this.#withinMs },
      });
    } catch {
      // The next failure tries again.
      return false;
    }
    await store.reset([key]);
    return true;
  }
}

function isBanTarget(value: unknown): value is BanTarget {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'add') === 'function';
}
