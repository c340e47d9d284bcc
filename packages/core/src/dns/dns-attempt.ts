import type { DnsQuestion } from './dns-query.ts';
import { DnsExchange, type DnsTransport } from './dns-transport.ts';
import type { DnsFailureReason } from './resolver.ts';
import type { Upstream } from './upstream.ts';

/** Hears how its attempts end. */
export interface AttemptOwner {
  replied(attempt: DnsAttempt, message: Buffer, ageSeconds: number): void;
  failed(attempt: DnsAttempt, reason: DnsFailureReason, detail: string): void;
}

/** One query of a lookup, to one of its servers. */
export class DnsAttempt extends DnsExchange {
  readonly upstream: Upstream;
  readonly transport: DnsTransport;
  /** `performance.now()` when it was asked. */
  readonly askedAt: number;
  readonly #owner: AttemptOwner;

  constructor(
    owner: AttemptOwner,
    question: DnsQuestion,
    upstream: Upstream,
    transport: DnsTransport,
    edns: boolean,
    askedAt: number,
  ) {
    super(question, edns);
    this.#owner = owner;
    this.upstream = upstream;
    this.transport = transport;
    this.askedAt = askedAt;
  }

  override replied(message: Buffer, ageSeconds: number): void {
    this.#owner.replied(this, message, ageSeconds);
  }

  override failed(reason: DnsFailureReason, detail: string): void {
    this.#owner.failed(this, reason, detail);
  }
}
