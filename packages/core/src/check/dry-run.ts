import type { Awaitable } from '../awaitable.ts';
import { OptionReader } from '../options.ts';
import type { Check, CheckRun } from './check.ts';
import { dryAnswer } from './dry-answer.ts';
import { type DryOpinion, type DryPlace, dryFailure } from './dry-opinion.ts';
import { DrySink, failedSink } from './dry-sink.ts';
import type { OpinionKind } from './is-opinion.ts';
import { isMessageSink, type MessageSink } from './message-sink.ts';
import type { Stage } from './report.ts';

/** How a check is run dry. */
export interface DryRunOptions {
  /**
   * Milliseconds after which an answer is not waited for any longer, at each stage and each `write` of a sink. To be
   * shorter than the gateway's own deadline, which counts a late check as `defer` whoever it is. Default 5,000.
   */
  readonly timeoutMs?: number;
}

/**
 * Runs a check so that its opinions are recorded and never enforced: to see in reports what it would do before it may.
 *
 * The finding stays. What else the opinion asks for (verdict, reply, score, delay, trust, permit, user, header edits,
 * authentication results) is taken away and stands in `finding.dryRun` instead: `{}` if it asked for nothing. A check that
 * throws, answers rubbish or is late does not defer mail either: that is a finding of kind `core/dry-run-failed`.
 *
 * The name stays the same, and so does what the check does besides answering: what it counts or lists, it counts and lists.
 *
 * @throws TypeError on a guard (`relayAcl`, `smtpAuth`, `tlsRequired`): without it the server would be open
 *
 * @example
 * ```ts
 * const strict: Check = {
 *   name: 'strict',
 *   start: () => ({
 *     helo: () => ({ finding: { kind: 'example/helo', summary: 'The client said hello.' }, verdict: 'reject' }),
 *   }),
 * };
 * createGateway({ checks: [dryRun(strict)], … });
 * // takes mail; the report has { kind: 'example/helo', summary: '…', dryRun: { verdict: 'reject' } }
 * ```
 */
export function dryRun(check: Check, options?: DryRunOptions): Check {
  const read = new OptionReader('dryRun', options);
  const timeoutMs = read.integer('timeoutMs', 5_000, { min: 1, max: 2 ** 31 - 1 });
  read.done();
  if (check.guards !== undefined) {
    throw new TypeError(`dryRun: ${JSON.stringify(check.name)} is a guard, without it the server would be open`);
  }
  return {
    name: check.name,
    ...(check.cost === undefined ? {} : { cost: check.cost }),
    ...(check.appliesTo === undefined ? {} : { appliesTo: check.appliesTo }),
    start(session, context): CheckRun | undefined {
      try {
        const run = check.start(session, context);
        return run ? dryStages(run, check.name, timeoutMs) : undefined;
      } catch (error) {
        // Told at the first stage there is.
        return { connect: () => dryFailure({ check: check.name, stage: 'start' }, 'threw', error) };
      }
    },
  };
}

/** Only the stages that the check has: at the others a gateway need not ask. */
function dryStages(run: CheckRun, check: string, timeoutMs: number): CheckRun {
  const put = (
    stage: Stage,
    kind: OpinionKind,
    signal: AbortSignal,
    ask: () => unknown,
  ): Awaitable<DryOpinion | undefined> => dryAnswer({ ask, kind, place: { check, stage }, timeoutMs, signal });
  return {
    ...(run.connect && { connect: (signal) => put('connect', 'opinion', signal, () => run.connect?.(signal)) }),
    ...(run.helo && { helo: (name, signal) => put('helo', 'opinion', signal, () => run.helo?.(name, signal)) }),
    ...(run.authenticate && {
      authenticate: (attempt, signal) =>
        put('authenticate', 'login', signal, () => run.authenticate?.(attempt, signal)),
    }),
    ...(run.mail && {
      mail: (transaction, signal) => put('mail', 'opinion', signal, () => run.mail?.(transaction, signal)),
    }),
    ...(run.recipient && {
      recipient: (transaction, path, signal) =>
        put('recipient', 'recipient', signal, () => run.recipient?.(transaction, path, signal)),
    }),
    ...(run.message && {
      message: (transaction) => drySink(() => run.message?.(transaction), { check, stage: 'message' }, timeoutMs),
    }),
    ...(run.refusal && {
      refusal: (refused, signal) => put('refusal', 'opinion', signal, () => run.refusal?.(refused, signal)),
    }),
    ...(run.report && { report: (report) => run.report?.(report) }),
    ...(run.close && { close: () => run.close?.() }),
  };
}

function drySink(begin: () => unknown, place: DryPlace, timeoutMs: number): MessageSink | undefined {
  try {
    const sink = begin();
    if (sink === undefined) return undefined;
    if (isMessageSink(sink)) return new DrySink(sink, place, timeoutMs);
    return failedSink(dryFailure(place, 'rubbish', 'it is not a sink'));
  } catch (error) {
    return failedSink(dryFailure(place, 'threw', error));
  }
}
