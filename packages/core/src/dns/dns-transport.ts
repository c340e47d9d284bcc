import type { DnsQuestion } from './dns-query.ts';
import type { DnsFailureReason } from './resolver.ts';

/** What an exchange travels on: a socket or a connection. */
export interface Carrier {
  forget(exchange: DnsExchange): void;
}

/**
 * One query to one server, from when it is asked until it is cancelled. The transport keeps its notes in it, so that a
 * query costs one object and no more.
 */
export abstract class DnsExchange {
  readonly question: DnsQuestion;
  readonly edns: boolean;
  cancelled = false;
  /** For the transport: `undefined` as long as it waits for one. */
  carrier: Carrier | undefined;
  /** For the transport: the query as it was sent, and the id in it. */
  query: Buffer | undefined;
  id = 0;
  /** For the transport's `ExchangeTable`. */
  next: DnsExchange | undefined;
  /** For the transport: it was sent twice because the first connection was closed under it. */
  repeated = false;

  constructor(question: DnsQuestion, edns: boolean) {
    this.question = question;
    this.edns = edns;
  }

  /**
   * A message came whose sender, id and question are those of the query. Called at most once, and not before the
   * transport's `ask` has returned; the same holds for `failed`.
   *
   * @param ageSeconds - how long it has been in a cache on its way, to be taken off its TTLs
   */
  abstract replied(message: Buffer, ageSeconds: number): void;

  /** The server cannot be asked in this way. `detail` continues the sentence "udp://192.0.2.1:53: …". */
  abstract failed(reason: DnsFailureReason, detail: string): void;

  /** Forgets the query; what still comes is dropped. */
  cancel(): void {
    this.cancelled = true;
    this.carrier?.forget(this);
  }
}

/**
 * A way to ask one server. It has no time-outs for queries (that is the lookup's business) and never keeps the process
 * alive.
 */
export interface DnsTransport {
  ask(exchange: DnsExchange): void;
  /** Closes every socket at once. Queries in flight hear nothing more. */
  close(): void;
}
