/** Something that counts for nothing from a moment on. */
export interface Expiring {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** The bounds of an `ExpiringMap`. */
export interface ExpiringMapBounds<V> {
  readonly maxKeys: number;
  /** The most that `bytesOf` may add up to. Default: no such bound. */
  readonly maxBytes?: number;
  readonly bytesOf?: (key: string, value: V) => number;
}

/** So many others are looked at by each write, for one that has expired: twice as many as it adds. */
const swept = 2;
/** So many are compared for the one to give up when the map is full. */
const compared = 16;

/**
 * A map whose entries expire, bounded in keys and bytes, with no timer. Each write looks at two other entries, round and
 * round, and drops those that have expired. When the map is full, the one of the next 16 goes that expires first: it would
 * have been forgotten soonest anyway.
 */
export class ExpiringMap<V extends Expiring> {
  readonly #entries = new Map<string, V>();
  readonly #maxKeys: number;
  readonly #maxBytes: number;
  readonly #bytesOf: (key: string, value: V) => number;
  #bytes = 0;
  /** Goes round the entries. An iterator of a `Map` may be used on while the map changes. */
  #hand: MapIterator<[string, V]>;

  constructor({ maxKeys, maxBytes = Number.POSITIVE_INFINITY, bytesOf = () => 0 }: ExpiringMapBounds<V>) {
    this.#maxKeys = maxKeys;
    this.#maxBytes = maxBytes;
    this.#bytesOf = bytesOf;
    this.#hand = this.#entries.entries();
  }

  /** Entries, expired ones that nobody has come by included. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string, now: number): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined || value.expiresAt > now) return value;
    this.delete(key);
    return undefined;
  }

  /** Keeps a value; one that has expired already, or that is larger than the map, only takes away what was there. */
  set(key: string, value: V, now: number): void {
    const bytes = this.#bytesOf(key, value);
    const before = this.#entries.get(key);
    if (value.expiresAt <= now || bytes > this.#maxBytes) {
      this.delete(key);
      return;
    }
    if (before === undefined) {
      for (let count = 0; count < swept; count++) this.#dropExpired(now);
      while (this.#entries.size >= this.#maxKeys) this.#makeRoom(now);
    } else {
      this.#bytes -= this.#bytesOf(key, before);
    }
    this.#entries.set(key, value);
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) this.#makeRoom(now, key);
  }

  delete(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= this.#bytesOf(key, value);
  }

  #next(): [string, V] | undefined {
    const step = this.#hand.next();
    if (!step.done) return step.value;
    this.#hand = this.#entries.entries();
    const first = this.#hand.next();
    return first.done ? undefined : first.value;
  }

  #dropExpired(now: number): void {
    const entry = this.#next();
    if (entry !== undefined && entry[1].expiresAt <= now) this.delete(entry[0]);
  }

  #makeRoom(now: number, kept?: string): void {
    let victim: string | undefined;
    let soonest = Number.POSITIVE_INFINITY;
    for (let count = 0; count < compared && soonest > now; count++) {
      const entry = this.#next();
      if (entry === undefined || entry[0] === kept || entry[1].expiresAt >= soonest) continue;
      victim = entry[0];
      soonest = entry[1].expiresAt;
    }
    if (victim !== undefined) this.delete(victim);
  }
}
