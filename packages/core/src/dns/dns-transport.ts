import type { DnsQuestion } from './dns-query.ts';
import type { DnsFailureReason } from './resolver.ts';

/** Hears how an exchange ends: once, unless the exchange was cancelled before. */
export interface ExchangeListener {
  /**
   * A message came whose sender, id and question are those of the query.
   *
   * @param ageSeconds - how long it has been in a cache on its way, to be taken off its TTLs
   */
  replied(message: Buffer, ageSeconds: number): void;
  /** The server cannot be asked in this way. `detail` continues the sentence "udp://192.0.2.1:53: …". */
  failed(reason: DnsFailureReason, detail: string): void;
}

/** A query that waits for its reply. */
export interface Exchange {
  /** Forgets the query; what still comes is dropped. */
  cancel(): void;
}

/**
 * A way to ask one server. It has no time-outs for queries (that is the lookup's business) and never keeps the process
 * alive. It must not call its listener before `ask` has returned.
 */
export interface DnsTransport {
  ask(question: DnsQuestion, edns: boolean, listener: ExchangeListener): Exchange;
  /** Closes every socket at once. Queries in flight hear nothing more. */
  close(): void;
}
