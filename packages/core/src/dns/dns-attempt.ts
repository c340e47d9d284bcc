import type { DnsQuestion } from './dns-query.ts';
import type { DnsTransport, Exchange, ExchangeListener } from './dns-transport.ts';
import type { DnsFailureReason } from './resolver.ts';
import type { Upstream } from './upstream.ts';

/** Hears how its attempts end. */
export interface AttemptOwner {
  replied(attempt: DnsAttempt, message: Buffer, ageSeconds: number): void;
  failed(attempt: DnsAttempt, reason: DnsFailureReason, detail: string): void;
}

/** One query to one server. It goes on waiting for its reply until it is cancelled. */
export class DnsAttempt implements ExchangeListener {
  readonly upstream: Upstream;
  readonly transport: DnsTransport;
  readonly edns: boolean;
  /** `performance.now()` when it was sent. */
  readonly askedAt: number;
  readonly #owner: AttemptOwner;
  readonly #exchange: Exchange;

  constructor(
    owner: AttemptOwner,
    question: DnsQuestion,
    upstream: Upstream,
    transport: DnsTransport,
    edns: boolean,
    askedAt: number,
  ) {
    this.#owner = owner;
    this.upstream = upstream;
    this.transport = transport;
    this.edns = edns;
    this.askedAt = askedAt;
    this.#exchange = transport.ask(question, edns, this);
  }

  replied(message: Buffer, ageSeconds: number): void {
    this.#owner.replied(this, message, ageSeconds);
  }

  failed(reason: DnsFailureReason, detail: string): void {
    this.#owner.failed(this, reason, detail);
  }

  cancel(): void {
    this.#exchange.cancel();
  }
}
