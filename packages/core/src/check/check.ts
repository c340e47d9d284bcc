import type { Clock } from '../clock.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Path } from '../smtp/path.ts';
import type { Session } from '../smtp/session.ts';
import type { Transaction } from '../smtp/transaction.ts';
import type { Store } from '../store/store.ts';
import type { LoginAttempt } from './login-attempt.ts';
import type { MessageSink } from './message-sink.ts';
import type { Answer, LoginAnswer, RecipientAnswer } from './opinion.ts';
import type { RefusedCommand } from './refused-command.ts';
import type { Report } from './report.ts';

/** What the gateway shares among its checks. */
export interface Context {
  readonly resolver: Resolver;
  readonly store: Store;
  readonly clock: Clock;
}

/**
 * One question about a mail transaction, asked at the stages at which it can be answered. Everything a check knows of a
 * session lives in the closure of `start`.
 *
 * @example
 * ```ts
 * const noBareLocalhost: Check = {
 *   name: 'no-bare-localhost',
 *   cost: 'local',
 *   start: () => ({
 *     helo: (name) =>
 *       name === 'localhost'
 *         ? { finding: { kind: 'example/localhost', summary: 'The client calls itself localhost.' }, verdict: 'reject' }
 *         : undefined,
 *   }),
 * };
 * ```
 */
export interface Check {
  /** Unique in a gateway; stands in reports. */
  readonly name: string;
  /** `local` checks run first, one after the other; `network` checks run together. Default `network`. */
  readonly cost?: 'local' | 'network';
  /**
   * `strangers`: neither authenticated nor in a trusted network; such verdicts lapse when the client logs in.
   * Default `everyone`.
   */
  readonly appliesTo?: 'everyone' | 'strangers';
  /** A guard cannot be run dry: without it the server would be open. */
  readonly guards?: true;
  /** Called when a client connects. `undefined`: nothing to ask about this session. */
  start(session: Session, context: Context): CheckRun | undefined;
}

/**
 * A check at work on one session. Each stage gets an `AbortSignal` that fires at its deadline or when the client is gone.
 * It is for the question at hand alone: once the check has answered, it must not be listened to any more.
 * A stage that throws, answers rubbish or is late counts as `defer` (451 4.3.0), never as silence.
 */
export interface CheckRun {
  connect?(signal: AbortSignal): Answer;
  /** Also called again when the client changes its name. */
  helo?(name: string, signal: AbortSignal): Answer;
  authenticate?(attempt: LoginAttempt, signal: AbortSignal): LoginAnswer;
  mail?(transaction: Transaction, signal: AbortSignal): Answer;
  recipient?(transaction: Transaction, path: Path, signal: AbortSignal): RecipientAnswer;
  /** Called at DATA; the sink sees the message of this transaction. `undefined`: no interest in it. */
  message?(transaction: Transaction): MessageSink | undefined;
  /**
   * Called before a refusal is told. A 421 is told in its place and ends the session, `delayMs` holds it back; no other
   * verdict changes what is refused already. A reply that the transport gives by itself cannot be held back.
   */
  refusal?(refused: RefusedCommand, signal: AbortSignal): Answer;
  /** Everyone's findings and verdicts, once per transaction and once per session that had none. */
  report?(report: Report): void;
  /** The session is over. */
  close?(): void;
}
