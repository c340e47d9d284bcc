import type { DnsExchange } from './dns-transport.ts';

/** A power of two: the low bits of an id, which is drawn at random, choose the bucket. */
const BUCKETS = 256;

/**
 * The exchanges that wait for their reply, by id. Not a `Map`: one whose entries come and go all the time is copied again
 * every few dozen of them, and its old copies keep what was in them from being collected young.
 */
export class ExchangeTable {
  readonly #buckets: (DnsExchange | undefined)[] = new Array(BUCKETS).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): DnsExchange | undefined {
    let exchange = this.#buckets[id % BUCKETS];
    while (exchange !== undefined && exchange.id !== id) exchange = exchange.next;
    return exchange;
  }

  /** Takes in an exchange under its `id`, under which there must be none. */
  add(exchange: DnsExchange): void {
    const bucket = exchange.id % BUCKETS;
    exchange.next = this.#buckets[bucket];
    this.#buckets[bucket] = exchange;
    this.#size++;
  }

  /** `false`: it was not there. */
  delete(exchange: DnsExchange): boolean {
    const bucket = exchange.id % BUCKETS;
    let before: DnsExchange | undefined;
    let each = this.#buckets[bucket];
    while (each !== undefined && each !== exchange) {
      before = each;
      each = each.next;
    }
    if (each === undefined) return false;
    if (before === undefined) this.#buckets[bucket] = exchange.next;
    else before.next = exchange.next;
    exchange.next = undefined;
    this.#size--;
    return true;
  }

  /** All of them, in no order. */
  all(): DnsExchange[] {
    const all: DnsExchange[] = [];
    for (const first of this.#buckets) {
      for (let exchange = first; exchange !== undefined; exchange = exchange.next) all.push(exchange);
    }
    return all;
  }

  clear(): void {
    for (const exchange of this.all()) this.delete(exchange);
  }
}
