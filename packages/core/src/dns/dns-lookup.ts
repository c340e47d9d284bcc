import type { Sleeper } from './alarm.ts';
import { type AttemptOwner, DnsAttempt } from './dns-attempt.ts';
import { dnsFailure } from './dns-failure.ts';
import { toDnsName } from './dns-name.ts';
import type { DnsQuestion } from './dns-query.ts';
import { decodeReply } from './dns-reply.ts';
import type { ResolveTrace } from './dns-tracing.ts';
import type { DnsTransport } from './dns-transport.ts';
import type { DnsAbsence, DnsAnswer, DnsFailure, DnsFailureReason, DnsRecords, RecordType } from './resolver.ts';
import type { Upstream } from './upstream.ts';

/** How often one lookup asks a server that stays silent. */
const TRIES_PER_SERVER = 3;
/** How often one lookup asks again because a reply ended with an alias. */
const MAX_RESTARTS = 8;

/** What all lookups of a client have in common. Times are those of `performance.now()`. */
export interface LookupSettings {
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  /** The servers, in the order in which to try them now. */
  order(now: number): readonly Upstream[];
  /** The lookup's `dueAt` has changed. */
  due(lookup: RunningLookup, now: number): void;
  ended(lookup: RunningLookup): void;
}

/** A lookup as the client sees it. */
export interface RunningLookup extends Sleeper {
  start(now: number): void;
  /** Ends it with a failure. */
  fail(reason: DnsFailureReason, detail: string): void;
}

/** What the aliases that lookups were restarted for leave to the answer. */
interface AliasChain {
  readonly restarts: number;
  readonly ttl: number;
  readonly authentic: boolean;
}

/** Shared, because most lookups need no list of their own. */
const NONE: readonly never[] = [];

/**
 * One lookup: asks one server after the other until one of them knows, the deadline has passed, or its caller has had
 * enough. A server that is merely slow may still answer while another one is being asked.
 */
export class DnsLookup<T extends RecordType> implements RunningLookup, AttemptOwner {
  readonly #settings: LookupSettings;
  readonly #signal: AbortSignal | undefined;
  readonly #trace: ResolveTrace | undefined;
  readonly #resolve: (answer: DnsAnswer<T>) => void;
  readonly #deadline: number;
  /** When the server that is being asked has had its time; at first, and at last, the deadline. */
  dueAt: number;
  place = -1;
  #question: DnsQuestion<T>;
  #order: readonly Upstream[] = NONE;
  #tries = 0;
  #current: DnsAttempt | undefined;
  /** Attempts whose time is up, but whose replies are still welcome. */
  #late: readonly DnsAttempt[] = NONE;
  /** Servers that have said, or shown, that they will not answer. */
  #spent: readonly Upstream[] = NONE;
  #failure: DnsFailure | undefined;
  #chain: AliasChain | undefined;
  #over = false;

  constructor(
    question: DnsQuestion<T>,
    settings: LookupSettings,
    now: number,
    signal: AbortSignal | undefined,
    trace: ResolveTrace | undefined,
    resolve: (answer: DnsAnswer<T>) => void,
  ) {
    this.#question = question;
    this.#settings = settings;
    this.#signal = signal;
    this.#trace = trace;
    this.#resolve = resolve;
    this.#deadline = now + settings.timeoutMs;
    this.dueAt = this.#deadline;
    signal?.addEventListener('abort', this);
  }

  /** The signal's listener. */
  handleEvent(): void {
    this.fail('aborted', 'the caller gave the lookup up');
  }

  start(now: number): void {
    // The lookup before it had the same signal, which is just telling one after the other; its own turn comes next.
    if (this.#signal?.aborted === true) return;
    this.#order = this.#settings.order(now);
    this.#askNext(now);
  }

  fail(reason: DnsFailureReason, detail: string): void {
    this.#end(dnsFailure(reason, detail), undefined);
  }

  timeUp(now: number): void {
    if (this.#over) return;
    const attempt = this.#current;
    const isLast = attempt === undefined || this.#deadline - now < 1;
    // A last attempt has had less time than others, unless it was the only one.
    if (attempt !== undefined && !(isLast && this.#late.length > 0)) {
      attempt.upstream.health.failed(attempt.askedAt, now);
    }
    if (isLast) {
      this.#end(this.#failure ?? this.#timeout(), undefined);
    } else {
      this.#late = [...this.#late, attempt];
      this.#current = undefined;
      this.#askNext(now);
    }
  }

  replied(attempt: DnsAttempt, message: Buffer, ageSeconds: number): void {
    const { upstream } = attempt;
    this.#remove(attempt);
    upstream.health.succeeded();
    const reply = decodeReply(this.#question, message, upstream.trusted);
    // It was EDNS that it refused, now that it answers without. Others find something amiss with the question itself.
    if (!attempt.edns && reply.kind !== 'edns-refused' && reply.kind !== 'failure') upstream.refusesEdns();
    switch (reply.kind) {
      case 'records':
      case 'nodata':
      case 'nxdomain':
        this.#end(this.#complete(reply, ageSeconds), upstream);
        break;
      case 'alias':
        this.#restart(reply.target, reply.ttl - ageSeconds, reply.authentic);
        break;
      case 'truncated':
        if (upstream.stream === undefined || attempt.transport === upstream.stream) {
          this.#refused(upstream, 'malformed', 'the reply is truncated, though it came over a stream');
        } else {
          this.#ask(upstream, upstream.stream, attempt.edns, performance.now());
        }
        break;
      case 'edns-refused':
        if (attempt.edns) {
          this.#ask(upstream, attempt.transport, false, performance.now());
        } else {
          this.#refused(upstream, 'servfail', reply.detail);
        }
        break;
      case 'failure':
        this.#refused(upstream, reply.reason, reply.detail);
        break;
    }
  }

  failed(attempt: DnsAttempt, reason: DnsFailureReason, detail: string): void {
    this.#remove(attempt);
    if (reason === 'network') attempt.upstream.health.failed(attempt.askedAt, performance.now());
    this.#refused(attempt.upstream, reason, detail);
  }

  #remove(attempt: DnsAttempt): void {
    if (this.#current === attempt) this.#current = undefined;
    else this.#late = this.#late.filter((each) => each !== attempt);
  }

  /** The server need not be asked again. What it replied says more than that another one cannot be reached. */
  #refused(upstream: Upstream, reason: DnsFailureReason, detail: string): void {
    this.#spent = [...this.#spent, upstream];
    if (this.#failure === undefined || reason !== 'network') {
      this.#failure = dnsFailure(reason, `${upstream.url}: ${detail}`);
    }
    if (this.#current === undefined) this.#askNext(performance.now());
  }

  #askNext(now: number): void {
    const last = this.#order.length * TRIES_PER_SERVER;
    while (this.#tries < last) {
      const upstream = this.#order[this.#tries++ % this.#order.length];
      if (upstream === undefined || this.#spent.includes(upstream)) continue;
      this.#ask(upstream, upstream.transport, upstream.edns, now);
      return;
    }
    if (this.#late.length === 0) this.#end(this.#failure ?? this.#timeout(), undefined);
    else this.#wakeAt(this.#deadline, now);
  }

  #ask(upstream: Upstream, transport: DnsTransport, edns: boolean, now: number): void {
    if (this.#current !== undefined) this.#late = [...this.#late, this.#current];
    const attempt = new DnsAttempt(this, this.#question, upstream, transport, edns, now);
    this.#current = attempt;
    transport.ask(attempt);
    this.#wakeAt(Math.min(now + this.#settings.attemptTimeoutMs, this.#deadline), now);
  }

  /** The reply ends with an alias of which it says no more, as those of servers without recursion do. */
  #restart(target: string, ttl: number, authentic: boolean): void {
    const restarts = (this.#chain?.restarts ?? 0) + 1;
    const name = toDnsName(target);
    if (name === undefined || restarts > MAX_RESTARTS) {
      const what = name === undefined ? 'lead to a name that cannot be asked for' : 'form a loop or too long a chain';
      this.fail('malformed', `the CNAME records ${what}`);
      return;
    }
    this.#chain = {
      restarts,
      ttl: Math.min(ttl, this.#chain?.ttl ?? ttl),
      authentic: authentic && (this.#chain?.authentic ?? true),
    };
    this.#question = { name, type: this.#question.type };
    this.#cancelAttempts();
    this.#tries = 0;
    this.#spent = NONE;
    this.#failure = undefined;
    this.#askNext(performance.now());
  }

  #complete(answer: DnsRecords<T> | DnsAbsence, ageSeconds: number): DnsRecords<T> | DnsAbsence {
    const chain = this.#chain;
    if (chain === undefined && ageSeconds === 0) return answer;
    const ttl = Math.max(0, Math.min(answer.ttl - ageSeconds, chain?.ttl ?? answer.ttl));
    const authentic = answer.authentic && (chain?.authentic ?? true);
    if (chain === undefined || answer.kind !== 'records') return Object.freeze({ ...answer, ttl, authentic });
    return Object.freeze({
      ...answer,
      ttl,
      authentic,
      canonicalName: answer.canonicalName ?? this.#question.name,
    });
  }

  #timeout(): DnsFailure {
    const servers = this.#order.map(({ url }) => url).join(', ');
    const detail = `no reply within ${this.#settings.timeoutMs} ms`;
    return dnsFailure(
      'timeout',
      servers === '' ? `${detail}: too many lookups are under way` : `${detail} of ${servers}`,
    );
  }

  #wakeAt(dueAt: number, now: number): void {
    this.dueAt = dueAt;
    this.#settings.due(this, now);
  }

  #cancelAttempts(): void {
    this.#current?.cancel();
    this.#current = undefined;
    if (this.#late.length === 0) return;
    for (const attempt of this.#late) attempt.cancel();
    this.#late = NONE;
  }

  #end(answer: DnsAnswer<T>, server: Upstream | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal?.removeEventListener('abort', this);
    this.#cancelAttempts();
    if (this.#trace !== undefined && server !== undefined) this.#trace.server = server.url;
    this.#settings.ended(this);
    this.#resolve(answer);
  }
}
