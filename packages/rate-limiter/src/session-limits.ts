import {
  type Answer,
  type Awaitable,
  andThen,
  type CheckRun,
  type Finding,
  isPending,
  type MessageSink,
  type Opinion,
  type Path,
  type RecipientAnswer,
  type RefusedCommand,
  type Report,
  type Session,
  type Transaction,
  type TransientReply,
} from '@postern/core';
import type { ConcurrencyLease } from './concurrency-lease.ts';
import type { ConcurrencyLimiter } from './concurrency-limiter.ts';
import type { KnownClients } from './known-clients.ts';
import { overloadReply, rateReply, recipientsReply, sessionReply } from './limit-reply.ts';
import type { LoadGauge } from './load-gauge.ts';
import { MessageMeter } from './message-meter.ts';
import type { BudgetName, Budgets } from './rate-budgets.ts';
import type { RateSubject } from './rate-subject.ts';
import type { Tarpit, TarpitHold } from './tarpit.ts';

/** How failures are held back. */
export interface Penalty {
  readonly tarpit: Tarpit;
  readonly delayMs: number;
  readonly afterFailures: number;
}

/** What all sessions of a check share. */
export interface LimitHouse {
  readonly connections: ConcurrencyLimiter;
  readonly budgets: Budgets;
  /** `undefined`: load is not watched. */
  readonly load: LoadGauge | undefined;
  readonly known: KnownClients;
  readonly penalty: Penalty | undefined;
  /** A session has begun, or is over. */
  entered(): void;
  left(): void;
}

/** What a transaction was charged, to be given back when it comes to nothing that counts. */
interface TransactionCharges {
  readonly subject: RateSubject;
  messages: number;
  readonly recipients: RateSubject[];
  bytes: number;
  /** It is not known yet what becomes of the last recipient. */
  asking: boolean;
  /** Why it was refused at MAIL. */
  refusal: Opinion | undefined;
  /** More bytes came than there were left. */
  tooLarge: boolean;
}

/** What a budget said. */
interface Spent {
  readonly allowed: boolean;
  readonly limit: string | undefined;
  readonly retryAfterMs: number;
}

const FREE: Spent = { allowed: true, limit: undefined, retryAfterMs: 0 };

/** The limits at work on one session. */
export class SessionLimits implements CheckRun {
  readonly #house: LimitHouse;
  readonly #session: Session;
  readonly #charges = new Map<string, TransactionCharges>();
  #lease: ConcurrencyLease | undefined;
  #hold: TarpitHold | undefined;
  #failures = 0;
  #closed = false;

  constructor(house: LimitHouse, session: Session) {
    this.#house = house;
    this.#session = session;
    house.entered();
  }

  connect(signal: AbortSignal): Answer {
    return andThen(this.#overloaded(), (overloaded) => {
      if (!overloaded) return this.#acquire(signal);
      const summary = 'The server has more to do than it can, and the client is a stranger.';
      return { finding: { kind: 'rate-limiter/overloaded', summary }, verdict: 'defer', reply: overloadReply() };
    });
  }

  mail(transaction: Transaction, signal: AbortSignal): Answer {
    const subject = this.#subject(transaction);
    const charges: TransactionCharges = {
      subject,
      messages: 0,
      recipients: [],
      bytes: 0,
      asking: false,
      refusal: undefined,
      tooLarge: false,
    };
    this.#charges.set(transaction.id, charges);
    return andThen(this.#spend('messages', subject, 1, signal), (messages) => {
      if (!messages.allowed) {
        charges.refusal = refusal('messages', messages, rateReply('Too many messages', messages.retryAfterMs));
        return charges.refusal;
      }
      charges.messages = 1;
      const size = announcedBytes(transaction);
      return andThen(this.#spendBytes(charges, size, signal), (opinion) => {
        charges.refusal = opinion;
        if (opinion !== undefined) this.#giveBackMessage(charges);
        return opinion;
      });
    });
  }

  recipient(transaction: Transaction, path: Path, signal: AbortSignal): RecipientAnswer {
    const charges = this.#charges.get(transaction.id);
    if (charges === undefined) return undefined;
    // Said again: a postmaster can be reached whatever is said at MAIL, but not by a flood.
    if (charges.refusal !== undefined) return charges.refusal;
    const subject = { ...charges.subject, recipient: path.address };
    charges.asking = false;
    return andThen(this.#spend('recipients', subject, 1, signal), (spent) => {
      if (!spent.allowed) return refusal('recipients', spent, recipientsReply(spent.retryAfterMs));
      charges.recipients.push(subject);
      charges.asking = true;
      return undefined;
    });
  }

  message(transaction: Transaction): MessageSink | undefined {
    const charges = this.#charges.get(transaction.id);
    if (charges === undefined || charges.refusal !== undefined || this.#house.budgets.bytes === undefined)
      return undefined;
    return new MessageMeter((bytes) => {
      const more = bytes - charges.bytes;
      if (more <= 0) return undefined;
      return andThen(this.#spendBytes(charges, more, undefined), (opinion) => {
        charges.tooLarge = opinion !== undefined;
        return opinion;
      });
    });
  }

  refusal({ kind, reply }: RefusedCommand, signal: AbortSignal): Answer {
    this.#letGo();
    if (kind === 'login') return undefined;
    if (kind === 'command') return this.#failed('failedCommands', 'Too many commands that fail', signal);
    if (reply.code >= 500) return this.#failed('failedRecipients', 'Too many recipients that are refused', signal);
    for (const charges of this.#charges.values()) {
      if (!charges.asking) continue;
      charges.asking = false;
      const last = this.#paysOnce ? charges.recipients.pop() : undefined;
      if (last !== undefined) this.#giveBack('recipients', last, 1);
    }
    return undefined;
  }

  report({ id, kind, outcome, message }: Report): void {
    const { ip } = this.#session.client;
    if (outcome === 'accepted' && ip !== undefined && this.#house.load !== undefined) this.#house.known.remember(ip);
    const charges = kind === 'transaction' ? this.#charges.get(id) : undefined;
    if (charges === undefined) return;
    this.#charges.delete(id);
    const again = outcome === 'deferred' && this.#paysOnce;
    if (again) {
      this.#giveBackMessage(charges);
      for (const recipient of charges.recipients) this.#giveBack('recipients', recipient, 1);
    }
    // What was announced and never came costs nothing. What came, wanted or not, takes the place of what could have come.
    const bytes = again && !charges.tooLarge ? 0 : (message?.bytes ?? 0);
    if (bytes > charges.bytes) this.#drainBytes(charges.subject, bytes - charges.bytes);
    else this.#giveBack('bytes', charges.subject, charges.bytes - bytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#letGo();
    this.#lease?.release();
    this.#house.left();
  }

  /**
   * Whether the client pays once for what is deferred and comes again: one that the operator knows. A stranger pays each
   * time, for it can see to it that it is deferred, by a domain of its own whose DNS fails for instance.
   */
  get #paysOnce(): boolean {
    return this.#session.trusted || this.#session.user !== undefined;
  }

  /** A stranger, and the server has enough to do with those it knows. */
  #overloaded(): Awaitable<boolean> {
    const { load, known } = this.#house;
    const { trusted, client } = this.#session;
    if (load === undefined || trusted || !load.overloaded) return false;
    return client.ip === undefined ? true : andThen(known.has(client.ip), (isKnown) => !isKnown);
  }

  #acquire(signal: AbortSignal): Answer {
    const { client, trusted } = this.#session;
    const { connections } = this.#house;
    return andThen(connections.acquire({ client: client.ip ?? client.address, trusted }, { signal }), (outcome) => {
      if (outcome.granted) {
        this.#lease = outcome;
        // The client left while a store was asked.
        if (this.#closed) outcome.release();
        return this.#countConnection(signal);
      }
      const { limit, retryAfterMs } = outcome;
      if (limit === undefined) return undefined;
      const finding: Finding = {
        kind: 'rate-limiter/connections',
        summary: `No further connection at once: the limit ${limit} is reached.`,
        limit,
        retryAfterMs,
      };
      const ours = limit === 'client' || limit === 'network';
      const what = ours ? 'Too many connections at once from your network' : 'Too many connections at once';
      return { finding, verdict: 'defer', reply: sessionReply(what, retryAfterMs) };
    });
  }

  #countConnection(signal: AbortSignal): Answer {
    const subject = this.#subject();
    return andThen(this.#spend('connectionRate', subject, 1, signal), (spent) => {
      if (!spent.allowed) {
        return refusal('connectionRate', spent, sessionReply('You connect too often', spent.retryAfterMs));
      }
      return andThen(this.#hasLeft('failedCommands', subject, signal), (commands) => {
        if (!commands.allowed) return tooManyFailures('failedCommands', 'Too many commands that fail', commands);
        return andThen(this.#hasLeft('failedRecipients', subject, signal), (recipients) =>
          recipients.allowed
            ? undefined
            : tooManyFailures('failedRecipients', 'Too many recipients that are refused', recipients),
        );
      });
    });
  }

  #failed(budget: 'failedCommands' | 'failedRecipients', what: string, signal: AbortSignal): Answer {
    this.#failures += 1;
    return andThen(this.#spend(budget, this.#subject(), 1, signal), (spent) => {
      if (!spent.allowed) return tooManyFailures(budget, what, spent);
      const { penalty } = this.#house;
      if (penalty === undefined || this.#session.trusted || this.#failures <= penalty.afterFailures) return undefined;
      this.#hold = penalty.tarpit.hold(penalty.delayMs * (this.#failures - penalty.afterFailures));
      const { delayMs } = this.#hold;
      if (delayMs === 0) return undefined;
      const summary = `The client is held for ${delayMs} ms after ${this.#failures} failures.`;
      return { finding: { kind: 'rate-limiter/held', summary, failures: this.#failures, delayMs }, delayMs };
    });
  }

  #spendBytes(charges: TransactionCharges, bytes: number, signal: AbortSignal | undefined): Answer {
    const { subject } = charges;
    // Who has nothing left need not begin.
    const spending =
      bytes === 0 ? this.#hasLeft('bytes', subject, signal) : this.#spend('bytes', subject, bytes, signal);
    return andThen(spending, (spent) => {
      if (spent.allowed) {
        charges.bytes += bytes;
        return undefined;
      }
      const { retryAfterMs } = spent;
      if (Number.isFinite(retryAfterMs)) return refusal('bytes', spent, rateReply('Too much data', retryAfterMs));
      // RFC 3463 §3.4, X.3.4: message too big for system. It will not fit later either.
      const reply = {
        code: 552,
        enhanced: '5.3.4',
        text: 'The message is larger than you may ever send here',
      } as const;
      return { finding: findingOf('bytes', spent), verdict: 'reject', reply };
    });
  }

  #drainBytes(subject: RateSubject, bytes: number): void {
    const { bytes: budget } = this.#house.budgets;
    const left = budget?.peek(subject, { cost: 0 });
    const drained = andThen(left, (spent) =>
      spent === undefined ? undefined : budget?.consume(subject, { cost: Math.min(bytes, spent.remaining) }),
    );
    if (isPending(drained)) drained.then(undefined, () => {});
  }

  #subject(transaction?: Transaction): RateSubject {
    const { client, user, trusted } = this.#session;
    const senderDomain = transaction?.reversePath.domain;
    return {
      client: trusted ? undefined : (client.ip ?? client.address),
      user,
      senderDomain: senderDomain === '' ? undefined : senderDomain,
      recipient: undefined,
    };
  }

  #spend(budget: BudgetName, subject: RateSubject, cost: number, signal: AbortSignal | undefined): Awaitable<Spent> {
    return this.#house.budgets[budget]?.consume(subject, { cost, signal }) ?? FREE;
  }

  #hasLeft(budget: BudgetName, subject: RateSubject, signal: AbortSignal | undefined): Awaitable<Spent> {
    return this.#house.budgets[budget]?.peek(subject, { cost: 1, signal }) ?? FREE;
  }

  #giveBack(budget: BudgetName, subject: RateSubject, cost: number): void {
    if (cost <= 0) return;
    const done = this.#house.budgets[budget]?.refund(subject, { cost });
    if (isPending(done)) done.then(undefined, () => {});
  }

  #giveBackMessage(charges: TransactionCharges): void {
    this.#giveBack('messages', charges.subject, charges.messages);
    charges.messages = 0;
  }

  #letGo(): void {
    this.#hold?.release();
    this.#hold = undefined;
  }
}

/** RFC 1870 §6.1: how large the client says the message is; 0 when it says nothing that is a number. */
function announcedBytes({ reversePath }: Transaction): number {
  const { SIZE } = reversePath.parameters;
  const size = typeof SIZE === 'string' ? Number(SIZE) : 0;
  return Number.isSafeInteger(size) && size > 0 ? size : 0;
}

function findingOf(budget: BudgetName, { limit, retryAfterMs }: Spent): Finding {
  return {
    kind: 'rate-limiter/limited',
    summary: `The limit ${limit} of ${budget} is reached.`,
    budget,
    limit,
    // JSON has no Infinity.
    ...(Number.isFinite(retryAfterMs) && { retryAfterMs }),
  };
}

function refusal(budget: BudgetName, spent: Spent, reply: TransientReply): Opinion {
  return { finding: findingOf(budget, spent), verdict: 'defer', reply };
}

function tooManyFailures(budget: BudgetName, what: string, spent: Spent): Opinion {
  return refusal(budget, spent, sessionReply(what, spent.retryAfterMs));
}
