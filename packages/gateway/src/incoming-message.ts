import {
  checkFailed,
  errorText,
  type Finding,
  type HeaderEdit,
  type HeaderFields,
  isMessageSink,
  isPending,
  type MethodResult,
  type Outcome,
  type Report,
  type SmtpReply,
} from '@postern/core';
import { checkFailure } from './check-failure.ts';
import { withId } from './client-reply.ts';
import { disregard } from './disregard.ts';
import type { GatewayHouse } from './gateway-house.ts';
import type { MessageReceiver } from './gateway-session.ts';
import { GuardedSink } from './guarded-sink.ts';
import { type HeardOpinion, ownOpinion } from './heard-opinion.ts';
import { type IntakeComplete, type IntakeRefused, MessageIntake } from './message-intake.ts';
import type { OpinionLedger, Refusal } from './opinion-ledger.ts';
import { outgoingMessage } from './outgoing-message.ts';
import { receivedField } from './received-field.ts';
import type { SessionChecks, StageSummary } from './session-checks.ts';
import type { TransactionDelivery } from './transaction-delivery.ts';
import type { TransactionFacts } from './transaction-facts.ts';

/** How much of a Message-ID a report quotes; a line may have 998 characters (RFC 5322 §2.1.1). */
const LONGEST_MESSAGE_ID = 250;
const OVER: SmtpReply = { code: 421, enhanced: '4.4.2', text: 'The connection is over' };

/** What a message is in a report. */
export type MessageFacts = NonNullable<Report['message']>;

/** What became of the message. */
export interface MessageEnd {
  readonly outcome: Outcome;
  /** `undefined`: the client was gone before. */
  readonly reply: SmtpReply | undefined;
  /** The opinions that decided. */
  readonly enforced: readonly HeardOpinion[];
}

/** What a message needs of its transaction. */
export interface MessageHost {
  readonly house: GatewayHouse;
  readonly checks: SessionChecks;
  readonly transaction: TransactionFacts;
  readonly delivery: TransactionDelivery;
  /** Where opinions about the message go. */
  readonly opinions: OpinionLedger;
  /** What was said before of session, sender and accepted recipients. */
  readonly earlier: readonly OpinionLedger[];
  /** The score that can quarantine, and the one that can reject. */
  scores(): { readonly quarantine: number; readonly reject: number };
  /** The client is no stranger. */
  known(): boolean;
  /** The reply that ends the session if a check asked for that; everything has then ended. */
  farewell(said: StageSummary): SmtpReply | undefined;
  ended(end: MessageEnd): void;
}

/** One message, from DATA until the backend has it or the client is told why not. */
export class IncomingMessage implements MessageReceiver {
  readonly #host: MessageHost;
  readonly #intake: MessageIntake;
  readonly #sinks: readonly GuardedSink[];
  /** How to ask each check that has something to say. */
  readonly #ends: ReadonlyMap<string, () => unknown>;
  readonly #receivedAt: number;
  #header: HeaderFields | undefined;
  #delivering = false;
  #over = false;

  constructor(host: MessageHost) {
    const { settings, spools, messageBounds } = host.house;
    this.#host = host;
    this.#receivedAt = settings.clock.now();
    const sinks: GuardedSink[] = [];
    const ends = new Map<string, () => unknown>();
    for (const { check, run } of host.checks.at('message')) {
      if (host.checks.leavesOut(check)) continue;
      try {
        const sink: unknown = run.message?.(host.transaction);
        if (sink === undefined) continue;
        if (!isMessageSink(sink)) {
          disregard(sink);
          throw new TypeError('message() returned something that is no sink');
        }
        const guarded = new GuardedSink(check, sink, settings.stageTimeoutMs);
        sinks.push(guarded);
        ends.set(check.name, () => guarded.end());
      } catch (error) {
        const failure = checkFailure(check, 'message', 'threw', errorText(error));
        ends.set(check.name, () => failure);
      }
    }
    this.#sinks = sinks;
    this.#ends = ends;
    this.#intake = new MessageIntake(spools.open(), sinks, messageBounds);
  }

  get byteLength(): number {
    return this.#intake.byteLength;
  }

  get facts(): MessageFacts {
    const bytes = this.#intake.byteLength;
    const messageId = this.#header?.first('message-id')?.value.slice(0, LONGEST_MESSAGE_ID);
    return messageId === undefined ? { bytes } : { bytes, messageId };
  }

  /** The backend is being given the message: what becomes of it is reported even if the client is gone. */
  get delivering(): boolean {
    return this.#delivering;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    return this.#intake.write(chunk);
  }

  async finish(): Promise<SmtpReply> {
    if (this.#over) return OVER;
    try {
      const taken = await this.#intake.finish();
      return taken.kind === 'refused' ? this.#refusedAtIntake(taken) : await this.#judge(taken);
    } catch (error) {
      // Nothing here is expected to throw; whatever did, the client keeps the message.
      if (this.#over) return OVER;
      this.#intake.abort();
      const summary = `The message could not be handled: ${errorText(error)}.`;
      return this.#refuse(this.#own({ kind: 'gateway/failed', summary, error: errorText(error) }, checkFailed));
    }
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#intake.abort();
    for (const sink of this.#sinks) sink.abort();
  }

  #refusedAtIntake({ reason, detail, reply }: IntakeRefused): SmtpReply {
    return this.#refuse(this.#own({ kind: 'gateway/message-refused', summary: detail, reason }, reply));
  }

  async #judge(taken: IntakeComplete): Promise<SmtpReply> {
    const { checks, opinions, known } = this.#host;
    try {
      this.#header = taken.header;
      const asked = checks.ask({
        stage: 'message',
        ask: ({ check }) => this.#ends.get(check.name)?.(),
        moot: () => opinions.refusal(known()) !== undefined,
        into: opinions,
      });
      const said = isPending(asked) ? await asked : asked;
      // Those that were not asked, or not waited for.
      for (const sink of this.#sinks) sink.abort();
      if (said.gone || this.#over) return OVER;
      const farewell = this.#host.farewell(said);
      if (farewell !== undefined) return farewell;
      const refusal = opinions.refusal(known()) ?? this.#overThreshold();
      if (refusal === undefined) return await this.#deliver(taken);
      // A reply is held back with empty hands: the backend and the spool are free by then.
      const reply = this.#refuse(refusal);
      await taken.spool.discard();
      await checks.holdBack(said.heard);
      return reply;
    } finally {
      await taken.spool.discard();
    }
  }

  async #deliver(taken: IntakeComplete): Promise<SmtpReply> {
    const { delivery, transaction } = this.#host;
    const quarantine = this.#quarantine();
    this.#delivering = true;
    const result = await delivery.message(this.#outgoing(taken, quarantine));
    this.#delivering = false;
    const { code, enhanced, text } = result.reply;
    const answered = `${code} ${enhanced} ${text}`;
    if (result.outcome === 'refused') {
      return this.#refuse(this.#own(backendFinding('refused', answered, result.failure), result.reply));
    }
    if (result.outcome === 'unknown') {
      return this.#refuse(this.#own(backendFinding('unknown', answered, result.failure), result.reply), 'unknown');
    }
    const delivered: Finding = { kind: 'gateway/delivered', summary: `The backend answered ${answered}` };
    this.#host.opinions.add(ownOpinion('message', delivered));
    const reply: SmtpReply = { code: 250, enhanced: '2.0.0', text: `Message accepted, queued as ${transaction.id}` };
    this.#end({ outcome: quarantine.length > 0 ? 'quarantined' : 'accepted', reply, enforced: quarantine });
    return reply;
  }

  #outgoing({ header, spool }: IntakeComplete, quarantine: readonly HeardOpinion[]): AsyncIterable<Uint8Array> {
    const { house, transaction, earlier, opinions } = this.#host;
    const { hostname, authservId } = house.settings;
    const authResults: MethodResult[] = [];
    const edits: HeaderEdit[] = [];
    for (const ledger of [...earlier, opinions]) {
      for (const { opinion } of ledger.opinions) {
        if (opinion.authResults !== undefined) authResults.push(...opinion.authResults);
        if (opinion.headerEdits !== undefined) edits.push(...opinion.headerEdits);
      }
    }
    return outgoingMessage({
      header,
      spool,
      received: receivedField({ hostname, transaction, receivedAt: this.#receivedAt }),
      authservId,
      authResults,
      edits,
      quarantine: quarantine.map((heard) => heard.opinion.finding.summary),
    });
  }

  /** The opinions for which the message is marked; none when it is not. */
  #quarantine(): readonly HeardOpinion[] {
    const { earlier, opinions, scores, house } = this.#host;
    const known = this.#host.known();
    const asked = opinions.quarantines(known);
    for (const ledger of earlier) asked.push(...ledger.quarantines(known));
    const threshold = house.settings.quarantineScore;
    const score = threshold === Number.POSITIVE_INFINITY ? 0 : scores().quarantine;
    if (score < threshold) return asked;
    const summary = `The score ${score} reached ${threshold}.`;
    const own = ownOpinion('message', { kind: 'gateway/score', summary, score, threshold });
    opinions.add(own);
    return [...asked, own];
  }

  #overThreshold(): Refusal | undefined {
    const threshold = this.#host.house.settings.rejectScore;
    if (threshold === Number.POSITIVE_INFINITY) return undefined;
    const score = this.#host.scores().reject;
    if (score < threshold) return undefined;
    const reply = { code: 550, enhanced: '5.7.1', text: 'Refused: too much speaks against this message' };
    const summary = `The score ${score} reached ${threshold}.`;
    return this.#own({ kind: 'gateway/score', summary, score, threshold }, reply);
  }

  #refuse({ heard, reply }: Refusal, outcome?: Outcome): SmtpReply {
    const told = withId(reply, this.#host.transaction.id);
    this.#end({ outcome: outcome ?? (told.code < 500 ? 'deferred' : 'rejected'), reply: told, enforced: [heard] });
    return told;
  }

  #own(finding: Finding, reply: SmtpReply): Refusal {
    const heard = ownOpinion('message', finding, reply);
    this.#host.opinions.add(heard);
    return { heard, reply };
  }

  #end(end: MessageEnd): void {
    this.#over = true;
    // Who is gone hears of nothing, and sends the message again whatever became of it (RFC 1047).
    this.#host.ended(this.#host.checks.gone.aborted ? { ...end, reply: undefined } : end);
  }
}

function backendFinding(what: 'refused' | 'unknown', answered: string, failure: string | undefined): Finding {
  if (failure !== undefined) {
    return { kind: 'gateway/backend-failed', summary: `The backend failed: ${failure}.`, error: failure };
  }
  if (what === 'refused') return { kind: 'gateway/backend-refused', summary: `The backend answered ${answered}` };
  return { kind: 'gateway/delivery-unknown', summary: `Whether the backend has the message is not known: ${answered}` };
}
