import {
  type Awaitable,
  clientKey,
  type IpAddress,
  isPending,
  isStore,
  OptionReader,
  parseIp,
  type Slot,
  type Store,
} from '@postern/core';
import { type ConcurrencyLease, type ConcurrencyLimit, type ConcurrencyRefusal, Lease } from './concurrency-lease.ts';
import { NEAR } from './rate-stats.ts';
import { type HeldSlots, SlotHolder, type Taken } from './slot-holder.ts';
import { WaitingLine } from './waiting-line.ts';

/** How many at once. Counts are whole numbers from 1 to 1,000,000 where nothing else is said. */
export interface ConcurrencyLimiterOptions {
  /** In all. Default 1,000. */
  readonly total?: number;
  /** For one client: an IPv4 address, or the /64 of an IPv6 address. Default 20. */
  readonly perClient?: number;
  /** For one network: an IPv4 /24, or an IPv6 /48. Default 100. */
  readonly perNetwork?: number;
  /** How many of `total` are for trusted clients alone: strangers share the rest. Default 0; less than `total`. */
  readonly reserved?: number;
  /** The most that wait for a slot at once. Default 0: nobody waits; at most 10,000. */
  readonly maxWaiting?: number;
  /** The most of them for one client. Default 2. */
  readonly maxWaitingPerClient?: number;
  /** What a refusal says about when to come back. Milliseconds from 0 to 86,400,000. Default 30,000. */
  readonly retryAfterMs?: number;
  /**
   * Several machines that count together. Default: this process counts alone. While the store cannot be asked, or does not
   * answer within a second, what this process holds decides.
   */
  readonly store?: Store;
  /** Milliseconds after which the store takes back what a dead process held. From 1,000 to 3,600,000. Default 60,000. */
  readonly leaseMs?: number;
  /** Stands before every key in the store: limiters of the same name share their slots. Default `connections`. */
  readonly name?: string;
}

/** Who wants a slot. */
export interface ConcurrencySubject {
  /** The client's address. Text that is none (a socket path) is a client of that name without a network. */
  readonly client: string | IpAddress;
  /** In a trusted network: counts against `total` alone. Default `false`. */
  readonly trusted?: boolean;
}

/** How a slot is asked for. */
export interface AcquireOptions {
  /** Ends the wait. A lease that was granted is not affected. */
  readonly signal?: AbortSignal | undefined;
  /** The most milliseconds to wait in line, from 0 to 2,147,483,647. Default 0. */
  readonly waitMs?: number;
}

/** What has happened so far, for the operator. */
export interface ConcurrencyStats {
  /** Leases held by this process. */
  readonly held: number;
  readonly waiting: number;
  readonly granted: number;
  /** The most leases that this process held at once under each limit: of one client, of one network, of all strangers, of all. */
  readonly peaks: Readonly<Record<ConcurrencyLimit, number>>;
  /** Leases that left a fifth of a limit or less. */
  readonly nearRefusals: Readonly<Record<ConcurrencyLimit, number>>;
  /** Refusals by what was full, those after a wait included. */
  readonly refused: Readonly<Record<ConcurrencyLimit, number>>;
}

const MOST = 1_000_000;
/** How often it is seen whether another machine has given something back. */
const LOOK_EVERY_MS = 250;

/**
 * How many at once: in all, for each client, for each network. A slot is held by a lease, which is released exactly once,
 * however often and by whomever: by `release`, by `using`, or when the socket closes that `releaseOn` was given.
 *
 * Guarantees, whatever clients do:
 *
 * - never more leases than a limit allows; with a `store`, never more over all machines that can reach it, as long as no
 *   process stands still for longer than `leaseMs`
 * - strangers never take the slots that are `reserved`
 * - memory is proportional to `total` and `maxWaiting`
 * - those who wait for the same thing get it in the order in which they came, and an abort ends a wait at once
 *
 * Without a `store` everything but a wait is answered at once, without a promise.
 *
 * @example
 * ```ts
 * import { ConcurrencyLimiter } from '@postern/rate-limiter';
 *
 * const limiter = new ConcurrencyLimiter({ total: 500, perClient: 10, reserved: 20 });
 * const lease = await limiter.acquire({ client: '192.0.2.1' });
 * if (lease.granted) {
 *   using _ = lease;
 *   // … at most ten of these at once for this client
 * }
 * ```
 */
export class ConcurrencyLimiter {
  readonly #limits: Readonly<Record<ConcurrencyLimit, number>>;
  readonly #retryAfterMs: number;
  readonly #prefix: string;
  readonly #holder: SlotHolder;
  readonly #line: WaitingLine;
  /** Leases by the keys of their slots. */
  readonly #heldBy = new Map<string, number>();
  readonly #peaks = noneOfEach();
  readonly #nearRefusals = noneOfEach();
  readonly #refused = noneOfEach();
  #held = 0;
  #granted = 0;
  #serving = false;
  #serveAgain = false;
  /** While someone waits and another machine may give something back. */
  #lookout: NodeJS.Timeout | undefined;
  readonly #isShared: boolean;

  /** @throws TypeError or RangeError that names the option */
  constructor(options?: ConcurrencyLimiterOptions) {
    const read = new OptionReader('ConcurrencyLimiter', options);
    const most = (name: string, byDefault: number): number => read.integer(name, byDefault, { min: 1, max: MOST });
    const total = most('total', 1_000);
    const client = most('perClient', 20);
    const network = most('perNetwork', 100);
    const reserved = read.integer('reserved', 0, { min: 0, max: total - 1 });
    const maxWaiting = read.integer('maxWaiting', 0, { min: 0, max: 10_000 });
    const maxWaitingPerClient = read.integer('maxWaitingPerClient', 2, { min: 1, max: 10_000 });
    this.#retryAfterMs = read.integer('retryAfterMs', 30_000, { min: 0, max: 86_400_000 });
    const store = read.value('store', isStore, 'a store');
    const leaseMs = read.integer('leaseMs', 60_000, { min: 1_000, max: 3_600_000 });
    const name = read.text('name', 'connections');
    read.done();
    this.#limits = { client, network, strangers: total - reserved, total };
    this.#prefix = `${name}:`;
    this.#isShared = store !== undefined;
    // A client and a network each, the two that all share, and two of one who is refused.
    this.#holder = new SlotHolder(2 * total + 4, store, leaseMs);
    this.#line = new WaitingLine({ maxWaiting, maxWaitingPerClient });
  }

  /**
   * A lease, or why there is none. Never rejects.
   *
   * @throws RangeError on a `waitMs` that is none
   */
  acquire(
    subject: ConcurrencySubject,
    { signal, waitMs = 0 }: AcquireOptions = {},
  ): Awaitable<ConcurrencyLease | ConcurrencyRefusal> {
    if (!(Number.isInteger(waitMs) && waitMs >= 0 && waitMs < 2 ** 31)) {
      throw new RangeError('ConcurrencyLimiter.acquire: waitMs must be a whole number from 0 to 2147483647');
    }
    if (signal?.aborted) return this.#refusal(undefined, 'aborted');
    const slots = this.#slotsOf(subject);
    const overtaken = this.#line.blocking(slots);
    if (overtaken !== undefined) return this.#waitOrRefuse(slots, overtaken, waitMs, signal);
    const taken = this.#holder.take(slots);
    if (!isPending(taken)) return this.#settle(slots, taken, waitMs, signal);
    return this.#unlessAborted(taken, signal).then((settled) =>
      settled === undefined ? this.#refusal(undefined, 'aborted') : this.#settle(slots, settled, waitMs, signal),
    );
  }

  stats(): ConcurrencyStats {
    return {
      held: this.#held,
      waiting: this.#line.size,
      granted: this.#granted,
      peaks: { ...this.#peaks },
      nearRefusals: { ...this.#nearRefusals },
      refused: { ...this.#refused },
    };
  }

  #slotsOf({ client, trusted = false }: ConcurrencySubject): readonly Slot[] {
    const total = this.#slot('total', '');
    if (trusted) return [total];
    const ip = typeof client === 'string' ? parseIp(client) : client;
    const slots = [this.#slot('client', ip === undefined ? String(client) : clientKey(ip))];
    if (ip !== undefined) {
      slots.push(this.#slot('network', clientKey(ip, { ipv4PrefixLength: 24, ipv6PrefixLength: 48 })));
    }
    slots.push(this.#slot('strangers', ''), total);
    return slots;
  }

  #slot(limit: ConcurrencyLimit, of: string): Slot {
    return { key: `${this.#prefix}${limit}:${of}`, limit: this.#limits[limit] };
  }

  #settle(
    slots: readonly Slot[],
    taken: Taken,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Awaitable<ConcurrencyLease | ConcurrencyRefusal> {
    if (taken.granted) return this.#lease(taken);
    return this.#waitOrRefuse(slots, taken.key, waitMs, signal);
  }

  #waitOrRefuse(
    slots: readonly Slot[],
    blockedOn: string,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Awaitable<ConcurrencyLease | ConcurrencyRefusal> {
    const client = slots[0]?.key ?? '';
    if (signal?.aborted) return this.#refusal(blockedOn, 'aborted');
    if (waitMs === 0 || !this.#line.hasRoomFor(client)) return this.#refusal(blockedOn, 'full');
    const end = this.#line.join({ client, slots, blockedOn }, waitMs, signal);
    if (this.#isShared) this.#lookout ??= setInterval(() => this.#serve(), LOOK_EVERY_MS).unref();
    return end.then((how) => (how.granted ? this.#lease(how) : this.#refusal(how.key, how.reason)));
  }

  #lease(held: HeldSlots): ConcurrencyLease {
    this.#held += 1;
    this.#granted += 1;
    for (const { key } of held.slots) this.#count(key);
    return new Lease(() => {
      this.#held -= 1;
      for (const { key } of held.slots) this.#uncount(key);
      this.#holder.giveBack(held);
      this.#serve();
    });
  }

  #count(key: string): void {
    const limit = this.#limitOf(key);
    const count = (this.#heldBy.get(key) ?? 0) + 1;
    this.#heldBy.set(key, count);
    this.#peaks[limit] = Math.max(this.#peaks[limit], count);
    if (count >= NEAR * this.#limits[limit]) this.#nearRefusals[limit] += 1;
  }

  #uncount(key: string): void {
    const count = (this.#heldBy.get(key) ?? 1) - 1;
    if (count === 0) this.#heldBy.delete(key);
    else this.#heldBy.set(key, count);
  }

  #refusal(key: string | undefined, reason: ConcurrencyRefusal['reason']): ConcurrencyRefusal {
    const limit = key === undefined ? undefined : this.#limitOf(key);
    if (limit !== undefined && reason !== 'aborted') this.#refused[limit] += 1;
    return { granted: false, limit, reason, retryAfterMs: this.#retryAfterMs };
  }

  #limitOf(key: string): ConcurrencyLimit {
    const rest = key.slice(this.#prefix.length);
    if (rest.startsWith('client:')) return 'client';
    if (rest.startsWith('network:')) return 'network';
    return rest.startsWith('strangers:') ? 'strangers' : 'total';
  }

  /** Gives those who wait what has come free. Runs once at a time. */
  #serve(): void {
    if (this.#serving) this.#serveAgain = true;
    else if (this.#line.size > 0) void this.#serveAll();
    else this.#lookNoMore();
  }

  #lookNoMore(): void {
    clearInterval(this.#lookout);
    this.#lookout = undefined;
  }

  async #serveAll(): Promise<void> {
    this.#serving = true;
    do {
      this.#serveAgain = false;
      /** Who needs one of these need not be tried. */
      const full = new Set<string>();
      for (const wish of this.#line.wishes) {
        if (wish.slots.some(({ key }) => full.has(key))) continue;
        const pending = this.#holder.take(wish.slots);
        // Without a wait where there is none: nobody may come in between.
        const taken = isPending(pending) ? await pending : pending;
        if (!taken.granted) {
          full.add(taken.key);
          wish.blockedOn = taken.key;
        } else if (!this.#line.grant(wish, taken)) {
          this.#holder.giveBack(taken);
          this.#serveAgain = true;
        }
      }
    } while (this.#serveAgain);
    this.#serving = false;
    if (this.#line.size === 0) this.#lookNoMore();
  }

  /** `undefined`: the signal fired first. What comes then is given back. */
  #unlessAborted(taking: Promise<Taken>, signal: AbortSignal | undefined): Promise<Taken | undefined> {
    if (signal === undefined) return taking;
    return new Promise((resolve) => {
      const onAbort = (): void => resolve(undefined);
      signal.addEventListener('abort', onAbort, { once: true });
      void taking.then((taken) => {
        signal.removeEventListener('abort', onAbort);
        if (taken.granted && signal.aborted) {
          this.#holder.giveBack(taken);
          this.#serve();
        }
        resolve(taken);
      });
    });
  }
}

function noneOfEach(): Record<ConcurrencyLimit, number> {
  return { client: 0, network: 0, strangers: 0, total: 0 };
}
