import {
  type Awaitable,
  andThen,
  authenticationRequired,
  type Finding,
  type Outcome,
  type Path,
  type RefusedCommand,
  type ReportedRecipient,
  relayDenied,
  type SmtpReply,
  tooManyRecipients,
} from '@postern/core';
import { withId } from './client-reply.ts';
import type { GatewayHouse } from './gateway-house.ts';
import { type HeardOpinion, ownOpinion } from './heard-opinion.ts';
import { IncomingMessage, type MessageFacts } from './incoming-message.ts';
import { OpinionLedger, type Refusal } from './opinion-ledger.ts';
import type { SessionChecks, StageSummary } from './session-checks.ts';
import type { SessionFacts } from './session-facts.ts';
import { type BackendAnswer, TransactionDelivery } from './transaction-delivery.ts';
import type { TransactionFacts } from './transaction-facts.ts';

const SENDER_OK: SmtpReply = { code: 250, enhanced: '2.1.0', text: 'Sender OK' };
const RECIPIENT_OK: SmtpReply = { code: 250, enhanced: '2.1.5', text: 'Recipient OK' };
const TRANSACTION_OVER: SmtpReply = { code: 421, enhanced: '4.4.2', text: 'The connection is over' };

/** What a transaction needs of its session. */
export interface TransactionHost {
  readonly house: GatewayHouse;
  readonly facts: SessionFacts;
  readonly checks: SessionChecks;
  /** What was said at connect and HELO. */
  readonly ledger: OpinionLedger;
  /** What was said of the login that succeeded. */
  readonly login: OpinionLedger;
  /** Ends the session if a check asked for it, holds the reply back if one did, then goes on. */
  conclude(summary: StageSummary, next: () => Awaitable<SmtpReply>): Awaitable<SmtpReply>;
  /** Ends the session if a check asked for it: its last reply. */
  farewellFor(summary: StageSummary): SmtpReply | undefined;
  /** What is told to a client that is refused something; `into` takes what was said of it. */
  refused(refused: RefusedCommand, into: HeardOpinion[]): Awaitable<SmtpReply>;
  /** Ends the session because the client went over a limit. */
  overLimit(limit: string, most: number, text: string): SmtpReply;
  /** The transaction has ended. */
  ended(transaction: GatewayTransaction, end: TransactionEnd): void;
}

/** How a transaction ended. */
export interface TransactionEnd {
  readonly outcome: Outcome;
  /** The reply that decided; absent when the client did not wait for any. */
  readonly reply?: SmtpReply;
}

/** One mail transaction: who may send to whom, and the message. */
export class GatewayTransaction {
  readonly facts: TransactionFacts;
  readonly #host: TransactionHost;
  readonly #mail = new OpinionLedger();
  /** What was said of all recipients, and of those who were let in. */
  readonly #asked = new OpinionLedger();
  readonly #accepted = new OpinionLedger();
  readonly #message = new OpinionLedger();
  /** What was said of refusals: it counts for nothing else. */
  readonly #refused: HeardOpinion[] = [];
  readonly #enforced: HeardOpinion[] = [];
  readonly #reported: ReportedRecipient[] = [];
  #refusals = 0;
  #deferral: SmtpReply | undefined;
  #rejection: SmtpReply | undefined;
  /** Every recipient so far is a postmaster who can always be reached. */
  #onlyPostmasters = true;
  #delivery: TransactionDelivery | undefined;
  #incoming: IncomingMessage | undefined;
  #over = false;

  constructor(host: TransactionHost, facts: TransactionFacts) {
    this.#host = host;
    this.facts = facts;
  }

  /** All opinions, in the order in which they were heard. */
  get opinions(): readonly HeardOpinion[] {
    return [...this.#mail.opinions, ...this.#asked.opinions, ...this.#message.opinions, ...this.#refused];
  }

  /** The opinions that decided a reply. */
  get enforced(): readonly HeardOpinion[] {
    return this.#enforced;
  }

  get reported(): readonly ReportedRecipient[] {
    return this.#reported;
  }

  get messageFacts(): MessageFacts | undefined {
    return this.#incoming?.facts;
  }

  /** The score of session and transaction, without the noise of adding fractions. */
  get score(): number {
    const { known } = this.#host.facts;
    const { ledger } = this.#host;
    const sum = ledger.score(known) + this.#mail.score(known) + this.#asked.score(known) + this.#message.score(known);
    return rounded(sum);
  }

  /** MAIL FROM. */
  begin(): Awaitable<SmtpReply> {
    const { checks, house } = this.#host;
    const own = this.#refusalOfSender();
    if (own !== undefined) return this.#refuseSender(own);
    const summary = checks.ask({
      stage: 'mail',
      ask: ({ run }, signal) => run.mail?.(this.facts, signal),
      moot: () => this.#pending() !== undefined,
      into: this.#mail,
    });
    return andThen(summary, (said) =>
      this.#conclude(said, () => {
        const refusal = house.settings.enforceAt === 'stage' ? this.#pending() : undefined;
        return refusal === undefined ? SENDER_OK : this.#refuseSender(refusal);
      }),
    );
  }

  /** RCPT TO. */
  recipient(path: Path): Awaitable<SmtpReply> {
    const { checks, house } = this.#host;
    const { maxRecipients, postmasterAlwaysReachable } = house.settings;
    if (this.facts.recipients.some((each) => isSameMailbox(each, path))) return RECIPIENT_OK;
    if (this.facts.recipients.length >= maxRecipients) {
      const reply = withId(tooManyRecipients, this.facts.id);
      this.#report(path, reply);
      return reply;
    }
    const reachable = postmasterAlwaysReachable && isPostmaster(path);
    const own = new OpinionLedger();
    const summary = checks.ask({
      stage: 'recipient',
      recipient: path.address,
      ask: ({ run }, signal) => run.recipient?.(this.facts, path, signal),
      moot: () => ((reachable ? undefined : this.#pending()) ?? own.refusal(this.#host.facts.known)) !== undefined,
      into: own,
    });
    return andThen(summary, (said) => {
      for (const heard of said.heard) this.#asked.add(heard);
      return this.#conclude(said, () => this.#judgeRecipient(path, own, reachable));
    });
  }

  /** DATA; `undefined` when there is no recipient, or a message already. */
  data(): IncomingMessage | undefined {
    const { house, checks, facts, ledger, login } = this.#host;
    if (this.#delivery === undefined || this.facts.recipients.length === 0 || this.#incoming !== undefined) {
      return undefined;
    }
    this.#incoming = new IncomingMessage({
      house,
      checks,
      transaction: this.facts,
      delivery: this.#delivery,
      opinions: this.#message,
      earlier: [ledger, login, this.#mail, this.#accepted],
      scores: () => ({
        quarantine: this.score,
        // What speaks against the client and the sender does not keep mail from a postmaster.
        reject: this.#onlyPostmasters ? rounded(this.#message.score(facts.known)) : this.score,
      }),
      known: () => facts.known,
      farewell: (said) => this.#host.farewellFor(said),
      ended: ({ outcome, reply, enforced }) => {
        this.#enforced.push(...enforced);
        this.#end(reply === undefined ? { outcome } : { outcome, reply });
      },
    });
    return this.#incoming;
  }

  /** RSET, another MAIL, or the client is gone. A message that the backend is being given ends by itself. */
  abandon(): void {
    if (this.#incoming?.delivering) return;
    const reply = this.#deferral ?? this.#rejection;
    // The client tries again if anything was deferred: so that is what decides.
    if (this.facts.recipients.length === 0 && reply !== undefined) this.#end(endedBy(reply));
    else this.#end({ outcome: 'aborted' });
  }

  /** The session ends by this reply, and the transaction with it. */
  endBy(reply: SmtpReply): void {
    this.#end(endedBy(reply));
  }

  #conclude(said: StageSummary, next: () => Awaitable<SmtpReply>): Awaitable<SmtpReply> {
    return this.#host.conclude(said, () => (this.#over ? TRANSACTION_OVER : next()));
  }

  /** The first thing of connect, HELO and MAIL that speaks against every recipient. */
  #pending(): Refusal | undefined {
    const { ledger, facts } = this.#host;
    return ledger.refusal(facts.known) ?? this.#mail.refusal(facts.known);
  }

  #refusalOfSender(): Refusal | undefined {
    const { facts, house } = this.#host;
    if (facts.service === 'submission' && facts.user === undefined) {
      const summary = 'The client wanted to send through a submission service without a login.';
      return this.#own(this.#mail, authenticationRequired, { kind: 'gateway/login-required', summary });
    }
    // RFC 1870 §6.1: the client has said how large the message is.
    const { maxMessageBytes } = house.settings;
    const { SIZE } = this.facts.reversePath.parameters;
    const size = Number(SIZE ?? 0);
    if (size > maxMessageBytes) {
      const reply = { code: 552, enhanced: '5.3.4', text: `The message is larger than ${maxMessageBytes} bytes` };
      const summary = `The client announced ${size} bytes, more than ${maxMessageBytes}.`;
      return this.#own(this.#mail, reply, { kind: 'gateway/too-large', summary, size });
    }
    return undefined;
  }

  #refuseSender({ heard, reply }: Refusal): SmtpReply {
    const told = withId(reply, this.facts.id);
    this.#enforced.push(heard);
    this.#end(endedBy(told));
    return told;
  }

  #judgeRecipient(path: Path, own: OpinionLedger, reachable: boolean): Awaitable<SmtpReply> {
    const permit = own.opinions.find((each) => each.opinion.permit !== undefined)?.opinion.permit;
    // A postmaster elsewhere is a recipient like any other.
    const exempt = reachable && permit === 'local';
    const refusal =
      (exempt ? undefined : this.#pending()) ??
      own.refusal(this.#host.facts.known) ??
      this.#notPermitted(path, permit) ??
      (exempt ? undefined : this.#overThreshold(path));
    if (refusal !== undefined) {
      this.#enforced.push(refusal.heard);
      return this.#refuseRecipient(path, refusal.reply);
    }
    const { house } = this.#host;
    this.#delivery ??= new TransactionDelivery(house.backend, this.facts, house.settings);
    return this.#delivery.recipient(path).then((answer) => {
      if (this.#over) return TRANSACTION_OVER;
      if (answer.reply.code >= 300) return this.#refusedByBackend(path, answer);
      this.facts.recipients.push(path);
      for (const heard of own.opinions) this.#accepted.add(heard);
      if (!exempt) this.#onlyPostmasters = false;
      this.#report(path, RECIPIENT_OK, permit);
      return RECIPIENT_OK;
    });
  }

  #notPermitted(path: Path, permit: 'local' | 'relay' | undefined): Refusal | undefined {
    if (permit !== undefined) return undefined;
    const summary = 'No check permits mail to this recipient.';
    return this.#own(this.#asked, relayDenied, { kind: 'gateway/not-permitted', summary }, path);
  }

  #overThreshold(path: Path): Refusal | undefined {
    const { rejectScore } = this.#host.house.settings;
    if (rejectScore === Number.POSITIVE_INFINITY) return undefined;
    const { score } = this;
    if (score < rejectScore) return undefined;
    const reply = { code: 550, enhanced: '5.7.1', text: 'Refused: too much speaks against this mail' };
    const summary = `The score ${score} reached ${rejectScore}.`;
    return this.#own(this.#asked, reply, { kind: 'gateway/score', summary, score, threshold: rejectScore }, path);
  }

  #refusedByBackend(path: Path, { reply, failure }: BackendAnswer): Awaitable<SmtpReply> {
    const { code, enhanced, text } = reply;
    const finding: Finding =
      failure === undefined
        ? { kind: 'gateway/backend-refused', summary: `The backend answered ${code} ${enhanced} ${text}` }
        : { kind: 'gateway/backend-failed', summary: `The backend failed: ${failure}.`, error: failure };
    const refusal = this.#own(this.#asked, reply, finding, path);
    this.#enforced.push(refusal.heard);
    return this.#refuseRecipient(path, reply);
  }

  #refuseRecipient(path: Path, reply: SmtpReply): Awaitable<SmtpReply> {
    const { maxRefusedRecipients } = this.#host.house.settings;
    const told = withId(reply, this.facts.id);
    if (told.code < 500) this.#deferral = told;
    else this.#rejection = told;
    this.#report(path, told);
    this.#refusals += 1;
    if (this.#refusals <= maxRefusedRecipients) {
      return told.code === 421 ? told : this.#host.refused({ kind: 'recipient', reply: told }, this.#refused);
    }
    return this.#host.overLimit('maxRefusedRecipients', maxRefusedRecipients, 'Too many refused recipients');
  }

  #own(ledger: OpinionLedger, reply: SmtpReply, finding: Finding, path?: Path): Refusal {
    const heard = ownOpinion(path === undefined ? 'mail' : 'recipient', finding, reply, path?.address);
    ledger.add(heard);
    return { heard, reply };
  }

  #report(path: Path, reply: SmtpReply, permit?: 'local' | 'relay'): void {
    const { maxRecipients, maxRefusedRecipients } = this.#host.house.settings;
    if (this.#reported.length > maxRecipients + maxRefusedRecipients) return;
    const { address } = path;
    this.#reported.push(permit === undefined ? { address, reply } : { address, reply, permit });
  }

  #end(end: TransactionEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#incoming?.abort();
    this.#delivery?.abort();
    this.#host.ended(this, end);
  }
}

function endedBy(reply: SmtpReply): TransactionEnd {
  return { outcome: reply.code < 500 ? 'deferred' : 'rejected', reply };
}

function rounded(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}

function isSameMailbox(a: Path, b: Path): boolean {
  return a.localPart === b.localPart && a.domain === b.domain;
}

/** RFC 5321 §4.5.1: without regard to case, with or without a domain. */
function isPostmaster(path: Path): boolean {
  return path.localPart.toLowerCase() === 'postmaster';
}
