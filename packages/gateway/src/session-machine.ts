import {
  type Awaitable,
  andThen,
  authenticationFailed,
  type Check,
  type Finding,
  isPending,
  type LoginAttempt,
  type Path,
  type RefusedCommand,
  type SmtpReply,
  type Stage,
  type TlsFacts,
} from '@postern/core';
import { buildReport } from './build-report.ts';
import { asGreeting, withId } from './client-reply.ts';
import type { GatewayHouse } from './gateway-house.ts';
import type { DataAnswer, GatewaySession } from './gateway-session.ts';
import { GatewayTransaction, type TransactionEnd, type TransactionHost } from './gateway-transaction.ts';
import { endsSession, type HeardOpinion, isForStrangers, ownOpinion, refusalOf } from './heard-opinion.ts';
import { OpinionLedger, type Refusal } from './opinion-ledger.ts';
import { SessionChecks, type StageSummary } from './session-checks.ts';
import type { SessionFacts } from './session-facts.ts';
import { TransactionFacts } from './transaction-facts.ts';

/** So many opinions about refusals are kept for the report: a client may be refused without end. */
const MOST_ABOUT_REFUSALS = 100;
const CLIENT_GONE: SmtpReply = { code: 421, enhanced: '4.4.2', text: 'The connection is over' };
const LOGGED_IN: SmtpReply = { code: 235, enhanced: '2.7.0', text: 'Authentication successful' };
const SEND_MESSAGE: SmtpReply = { code: 354, enhanced: '', text: 'End data with <CR><LF>.<CR><LF>' };
const HELO_FIRST: SmtpReply = { code: 503, enhanced: '5.5.1', text: 'Send HELO or EHLO first' };
const MAIL_FIRST: SmtpReply = { code: 503, enhanced: '5.5.1', text: 'Send MAIL first' };
const NO_RECIPIENTS: SmtpReply = { code: 503, enhanced: '5.5.1', text: 'Send a RCPT first that is accepted' };
const NO_LOGIN_NOW: SmtpReply = { code: 503, enhanced: '5.5.1', text: 'No login is possible now' };

/** The session of one client: what it may do next, what speaks against it, and what it is told. */
export class SessionMachine implements GatewaySession {
  readonly facts: SessionFacts;
  readonly #house: GatewayHouse;
  readonly #onDone: () => void;
  /** What was said at connect and HELO: it counts for every transaction. */
  readonly #ledger = new OpinionLedger();
  /** What was said of the login that succeeded; and of all logins, for reports. */
  readonly #login = new OpinionLedger();
  readonly #logins: HeardOpinion[] = [];
  /** What was said of refused commands, and what the transport knows about the end. */
  readonly #end: HeardOpinion[] = [];
  #failedLogins = 0;
  /** The opinions that decided a reply outside of transactions. */
  readonly #enforced = new WeakSet<HeardOpinion>();
  readonly #checks: SessionChecks;
  readonly #host: TransactionHost;
  #stage: Stage = 'connect';
  #checkedHelo: string | undefined;
  #transactions = 0;
  #transaction: GatewayTransaction | undefined;
  #farewell: SmtpReply | undefined;
  #closed = false;

  /** @param onDone - called once, when nothing of the session is left */
  constructor(house: GatewayHouse, facts: SessionFacts, onDone: () => void) {
    this.#house = house;
    this.facts = facts;
    this.#onDone = onDone;
    this.#checks = new SessionChecks(house, facts, this.#ledger);
    this.#host = {
      house,
      facts,
      checks: this.#checks,
      ledger: this.#ledger,
      login: this.#login,
      conclude: (said, next) => this.#conclude(said, next),
      farewellFor: (said) => this.#farewellFor(said),
      refused: (refused, into) => this.#refused(refused, into),
      overLimit: (limit, most, text) => this.#overLimit(limit, most, text),
      ended: (transaction, end) => this.#transactionEnded(transaction, end),
    };
  }

  get id(): string {
    return this.facts.id;
  }

  get judgesLogins(): boolean {
    return this.#checks.judgesLogins;
  }

  get farewell(): SmtpReply | undefined {
    return this.#farewell;
  }

  connect(): Awaitable<SmtpReply> {
    const summary = this.#checks.ask({
      stage: 'connect',
      ask: ({ run }, signal) => run.connect?.(signal),
      moot: (check) => this.#isMoot(check),
      into: this.#ledger,
    });
    return andThen(summary, (said) =>
      this.#conclude(said, () => {
        const refusal = this.#enforcesAtStage ? this.#ledger.refusal(this.facts.known) : undefined;
        if (refusal !== undefined) return this.#endSession(asGreeting(refusal.reply), refusal.heard);
        return { code: 220, enhanced: '', text: `${this.#house.settings.hostname} ESMTP` };
      }),
    );
  }

  helo(name: string, esmtp: boolean): Awaitable<SmtpReply> {
    if (this.#over !== undefined) return this.#over;
    this.reset();
    this.#stage = 'helo';
    this.facts.helo = name;
    this.facts.esmtp = esmtp;
    if (name === this.#checkedHelo) return this.#heloReply();
    this.#checkedHelo = name;
    this.#ledger.forget('helo');
    const summary = this.#checks.ask({
      stage: 'helo',
      ask: ({ run }, signal) => run.helo?.(name, signal),
      moot: (check) => this.#isMoot(check),
      into: this.#ledger,
    });
    return andThen(summary, (said) => this.#conclude(said, () => this.#heloReply()));
  }

  startTls(tls: TlsFacts): void {
    this.reset();
    this.facts.tls = tls;
    this.facts.helo = undefined;
    this.facts.esmtp = false;
    this.facts.user = undefined;
    this.#checkedHelo = undefined;
    this.#ledger.forget('helo');
    this.#login.clear();
  }

  authenticate(attempt: LoginAttempt): Awaitable<SmtpReply> {
    if (this.#over !== undefined) return this.#over;
    if (this.facts.helo === undefined) return this.commandRefused(HELO_FIRST);
    // RFC 4954 §4: not during a mail transaction, and no second time.
    if (this.facts.user !== undefined || this.#transaction !== undefined || !this.judgesLogins) {
      return this.commandRefused(NO_LOGIN_NOW);
    }
    this.#stage = 'authenticate';
    this.#login.clear();
    const summary = this.#checks.ask({
      stage: 'authenticate',
      ask: ({ run }, signal) => run.authenticate?.(attempt, signal),
      moot: () => this.#login.refusal(false) !== undefined,
      into: this.#login,
    });
    return andThen(summary, (said) => {
      this.#logins.push(...said.heard);
      return this.#endedBy(said) ?? this.#judgeLogin(said);
    });
  }

  mail(reversePath: Path): Awaitable<SmtpReply> {
    if (this.#over !== undefined) return this.#over;
    if (this.facts.helo === undefined) return this.commandRefused(HELO_FIRST);
    this.reset();
    this.#stage = 'mail';
    const { maxTransactions, clock } = this.#house.settings;
    if (this.#transactions === maxTransactions) {
      return this.#overLimit(
        'maxTransactions',
        maxTransactions,
        'Too many messages on one connection, please reconnect',
      );
    }
    this.#transactions += 1;
    const id = `${this.id}-${this.#transactions}`;
    const facts = new TransactionFacts(id, this.facts, clock.now(), reversePath);
    this.#transaction = new GatewayTransaction(this.#host, facts);
    return this.#transaction.begin();
  }

  recipient(path: Path): Awaitable<SmtpReply> {
    if (this.#over !== undefined) return this.#over;
    this.#stage = 'recipient';
    return this.#transaction === undefined ? this.commandRefused(MAIL_FIRST) : this.#transaction.recipient(path);
  }

  data(): DataAnswer {
    if (this.#over !== undefined) return { kind: 'refused', reply: this.#over };
    const message = this.#transaction?.data();
    if (message === undefined) return this.#refuseData(this.#transaction === undefined ? MAIL_FIRST : NO_RECIPIENTS);
    this.#stage = 'message';
    return { kind: 'ready', reply: SEND_MESSAGE, message };
  }

  commandRefused(reply: SmtpReply): Awaitable<SmtpReply> {
    return this.#over ?? this.#refused({ kind: 'command', reply }, this.#end);
  }

  reset(): void {
    this.#transaction?.abandon();
  }

  close(cause?: Finding): void {
    if (this.#closed) return;
    this.#closed = true;
    if (cause !== undefined) this.#end.push(ownOpinion(this.#stage, cause));
    this.#checks.leave();
    // Departs with its end, if there is one.
    if (this.#transaction === undefined) this.#depart();
    else this.#transaction.abandon();
  }

  /** What is said to everything that comes once the session has ended, or was closed. */
  get #over(): SmtpReply | undefined {
    return this.#farewell ?? (this.#closed ? CLIENT_GONE : undefined);
  }

  get #enforcesAtStage(): boolean {
    return this.#house.settings.enforceAt === 'stage';
  }

  /** Whether nothing that the check could say about the session would change its end. */
  #isMoot(check: Check): boolean {
    if (this.#ledger.refusal(true) !== undefined) return true;
    if (this.#ledger.refusal(this.facts.known) === undefined) return false;
    // What refuses strangers only lapses with a login, and then it matters what the others have to say.
    return isForStrangers(check) || !this.judgesLogins;
  }

  #heloReply(): SmtpReply {
    const refusal = this.#enforcesAtStage ? this.#ledger.refusal(this.facts.known) : undefined;
    if (refusal === undefined) return { code: 250, enhanced: '', text: this.#house.settings.hostname };
    this.#enforced.add(refusal.heard);
    return withId(refusal.reply, this.id);
  }

  #judgeLogin(said: StageSummary): Awaitable<SmtpReply> {
    const refusal = this.#login.refusal(false);
    const user = this.#login.opinions.find((heard) => heard.opinion.user !== undefined)?.opinion.user;
    if (refusal === undefined && user !== undefined) {
      return this.#conclude(said, () => {
        this.facts.user = user;
        return LOGGED_IN;
      });
    }
    this.#login.clear();
    this.#failedLogins += 1;
    const { heard, reply } = refusal ?? this.#provedByNobody();
    this.#enforced.add(heard);
    const { finding } = heard.opinion;
    // Not only when the reply is told: a client that does not wait for one that is held back has failed all the same.
    const heardOf = this.#refused({ kind: 'login', reply: withId(reply, this.id), finding }, this.#end);
    return andThen(heardOf, (told) => this.#conclude(said, () => this.#farewell ?? this.#overFailedLogins() ?? told));
  }

  #provedByNobody(): Refusal {
    const summary = 'No check knows who this is.';
    const heard = ownOpinion('authenticate', { kind: 'gateway/login-failed', summary }, authenticationFailed);
    this.#logins.push(heard);
    return { heard, reply: authenticationFailed };
  }

  #overFailedLogins(): SmtpReply | undefined {
    const { maxFailedLogins } = this.#house.settings;
    if (this.#failedLogins < maxFailedLogins) return undefined;
    return this.#overLimit('maxFailedLogins', maxFailedLogins, 'Too many failed logins');
  }

  /** Nobody waits here: what takes time to be said of it is enforced at the next command. */
  #refuseData(reply: SmtpReply): DataAnswer {
    const told = this.commandRefused(reply);
    return { kind: 'refused', reply: isPending(told) ? reply : told };
  }

  /** What is told to a client that is refused something. */
  #refused(refused: RefusedCommand, into: HeardOpinion[]): Awaitable<SmtpReply> {
    if (this.#checks.at('refusal').length === 0) return refused.reply;
    const summary = this.#checks.ask({
      stage: 'refusal',
      ask: ({ run }, signal) => run.refusal?.(refused, signal),
      moot: () => false,
      into: new OpinionLedger(),
    });
    return andThen(summary, (said) => {
      for (const heard of said.heard) {
        if (into.length < MOST_ABOUT_REFUSALS || endsSession(heard.opinion)) into.push(heard);
      }
      return this.#conclude(said, () => refused.reply);
    });
  }

  #conclude(said: StageSummary, next: () => Awaitable<SmtpReply>): Awaitable<SmtpReply> {
    const last = this.#endedBy(said);
    if (last !== undefined) return last;
    return andThen(this.#checks.holdBack(said.heard), () => (this.#closed ? CLIENT_GONE : next()));
  }

  /** The last reply, if the client is gone or a check ended the session. */
  #endedBy(said: StageSummary): SmtpReply | undefined {
    return said.gone || this.#closed ? CLIENT_GONE : this.#farewellFor(said);
  }

  /** A 421 of a check is enforced at once, whatever else speaks for or against the client. */
  #farewellFor({ heard }: StageSummary): SmtpReply | undefined {
    const limit = heard.find((each) => endsSession(each.opinion));
    const reply = limit === undefined ? undefined : refusalOf(limit.opinion);
    return limit === undefined || reply === undefined ? undefined : this.#endSession(reply, limit);
  }

  #overLimit(limit: string, most: number, text: string): SmtpReply {
    const reply: SmtpReply = { code: 421, enhanced: '4.7.0', text };
    const summary = `The client went over ${limit}, which is ${most}.`;
    const own = ownOpinion(this.#stage, { kind: 'gateway/over-limit', summary, limit, most }, reply);
    this.#ledger.add(own);
    return this.#endSession(reply, own);
  }

  #endSession(reply: SmtpReply, heard: HeardOpinion): SmtpReply {
    const told = withId(reply, this.#transaction?.facts.id ?? this.id);
    this.#farewell = told;
    this.#enforced.add(heard);
    this.#transaction?.endBy(told);
    return told;
  }

  #transactionEnded(transaction: GatewayTransaction, end: TransactionEnd): void {
    this.#transaction = undefined;
    this.#publish(end, transaction);
    if (this.#closed) this.#depart();
  }

  /** Nothing can come any more. */
  #depart(): void {
    if (this.#transactions === 0) {
      const reply = this.#farewell;
      if (reply === undefined) this.#publish({ outcome: 'none' });
      else this.#publish({ outcome: reply.code < 500 ? 'deferred' : 'rejected', reply });
    }
    this.#checks.close();
    this.#onDone();
  }

  #publish({ outcome, reply }: TransactionEnd, transaction?: GatewayTransaction): void {
    const { clock, maxReportedOpinions } = this.#house.settings;
    this.#house.desk.publish(
      () =>
        buildReport({
          session: this.facts,
          ...(transaction !== undefined && { transaction: transaction.facts }),
          recipients: transaction?.reported ?? [],
          opinions: [...this.#ledger.opinions, ...this.#logins, ...(transaction?.opinions ?? []), ...this.#end],
          enforced: (heard) => this.#enforced.has(heard) || transaction?.enforced.includes(heard) === true,
          score: transaction?.score ?? this.#ledger.score(this.facts.known),
          outcome,
          reply,
          message: transaction?.messageFacts,
          endedAt: clock.now(),
          maxReportedOpinions,
        }),
      this.#checks.active,
    );
  }
}
