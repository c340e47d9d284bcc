import {
  type Awaitable,
  type Check,
  type CheckRun,
  type Clock,
  type Finding,
  type OpinionKind,
  opinionDefect,
  type Stage,
} from '@postern/core';
import { isPending } from './and-then.ts';
import { type AnyOpinion, endsSession, type HeardOpinion, isForStrangers, refusalOf } from './heard-opinion.ts';

/** A check at work on one session. */
export interface ActiveCheck {
  readonly check: Check;
  readonly run: CheckRun;
}

/** One stage of one session, as a question to all its checks. */
export interface StageQuestion {
  readonly stage: Stage;
  /** The recipient asked about, at stage `recipient`. */
  readonly recipient?: string;
  /** The session's checks: the local ones in their order, then the network ones in theirs. */
  readonly checks: readonly ActiveCheck[];
  /** Puts the question to one check. What it returns or throws is not trusted. */
  readonly ask: (active: ActiveCheck, signal: AbortSignal) => unknown;
  /** Asked right before the check would be: an opinion of this very stage can make a check unnecessary. */
  readonly skips: (active: ActiveCheck) => boolean;
  /** Told of each opinion that counts, in order. */
  readonly hears: (heard: HeardOpinion) => void;
  /** Ask the network checks even when the outcome is determined, for complete reports. */
  readonly checkAll: boolean;
  /** Milliseconds for the whole stage. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Fires when the client is gone. */
  readonly gone: AbortSignal;
}

/** `gone`: the client went away meanwhile, so that there is nobody to answer. */
export type StageEnd = 'complete' | 'gone';

/**
 * Asks the checks of one stage: all local ones in order, one after the other, then, if none refused, all network ones
 * together. Opinions count as if the checks had been asked in order: what a later network check says counts only when no
 * earlier one refused, however soon it was there; once that is determined, the rest is aborted.
 *
 * It fails closed. A check that throws, answers something that is no opinion, or has not answered at the deadline counts
 * as `defer` with 451 4.3.0. A 421 ends the stage at once.
 *
 * When no check answers with a promise, neither does this function, and no timer is set.
 */
export function runStage(question: StageQuestion): Awaitable<StageEnd> {
  return new StageRun(question).start();
}

/** What a check answered, or has not yet. */
interface Slot {
  readonly active: ActiveCheck;
  readonly startedAt: number;
  answer: { readonly opinion: AnyOpinion | undefined; readonly durationMs: number } | undefined;
}

type Failure = 'threw' | 'late' | 'rubbish';

class StageRun {
  readonly #question: StageQuestion;
  readonly #controller = new AbortController();
  #refused = false;
  #ended = false;
  #interrupted: 'late' | 'gone' | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What is to happen when the deadline passes or the client goes. */
  #wake: (() => void) | undefined;

  constructor(question: StageQuestion) {
    this.#question = question;
  }

  start(): Awaitable<StageEnd> {
    if (this.#question.gone.aborted) return 'gone';
    return this.#locals(0);
  }

  #locals(from: number): Awaitable<StageEnd> {
    const { checks, skips } = this.#question;
    for (let index = from; index < checks.length; index += 1) {
      const active = checks[index];
      if (active === undefined) break;
      if (active.check.cost !== 'local') return this.#networks(index);
      if (skips(active)) continue;
      const slot: Slot = { active, startedAt: this.#question.clock.now(), answer: undefined };
      const answer = this.#ask(active);
      if (!isPending(answer)) {
        this.#settle(slot, answer);
        this.#hear(slot);
        if (this.#ended) return this.#finish();
        continue;
      }
      return this.#orInterrupted(
        [answer.then((opinion) => this.#settle(slot, opinion))],
        () => slot.answer !== undefined,
      ).then(() => {
        if (this.#interrupted === 'gone') return this.#finish();
        if (slot.answer === undefined) this.#settle(slot, this.#failure(active, 'late'));
        this.#hear(slot);
        return this.#ended ? this.#finish() : this.#locals(index + 1);
      });
    }
    return this.#finish();
  }

  #networks(from: number): Awaitable<StageEnd> {
    const { checks, skips, checkAll } = this.#question;
    if (this.#refused && !checkAll) return this.#finish();
    const slots: Slot[] = [];
    const pending: Promise<void>[] = [];
    let next = 0;
    /** Hears what is next in order, as far as it is there; whether the outcome is determined. */
    const advance = (): boolean => {
      for (let slot = slots[next]; slot?.answer !== undefined; slot = slots[next]) {
        next += 1;
        this.#hear(slot);
        if (this.#ended || (this.#refused && !checkAll)) return true;
      }
      return false;
    };
    let determined = false;
    for (let index = from; index < checks.length && !determined; index += 1) {
      const active = checks[index];
      if (active === undefined || skips(active)) continue;
      const slot: Slot = { active, startedAt: this.#question.clock.now(), answer: undefined };
      slots.push(slot);
      const answer = this.#ask(active);
      if (isPending(answer)) pending.push(answer.then((opinion) => this.#settle(slot, opinion)));
      else this.#settle(slot, answer);
      determined = advance();
    }
    const done = (): boolean => {
      determined ||= advance();
      return determined || next === slots.length;
    };
    if (done()) return this.#finish();
    return this.#orInterrupted(pending, done).then(() => {
      if (this.#interrupted === 'late' && !determined) {
        for (const slot of slots) {
          if (slot.answer === undefined) this.#settle(slot, this.#failure(slot.active, 'late'));
        }
        advance();
      }
      return this.#finish();
    });
  }

  /** One check's answer. The promise never rejects. */
  #ask(active: ActiveCheck): Awaitable<AnyOpinion | undefined> {
    try {
      const answer = this.#question.ask(active, this.#controller.signal);
      if (answer === undefined) return undefined;
      if (!isPending(answer)) return this.#read(active, answer);
      return Promise.resolve(answer).then(
        (value) => this.#read(active, value),
        (error: unknown) => this.#failure(active, 'threw', error),
      );
    } catch (error) {
      return this.#failure(active, 'threw', error);
    }
  }

  #read(active: ActiveCheck, value: unknown): AnyOpinion | undefined {
    try {
      if (value === undefined) return undefined;
      const kind = opinionKindOf(this.#question.stage);
      if (!isAnyOpinion(value, kind)) return this.#failure(active, 'rubbish', opinionDefect(value, kind));
      if (value.trust === true && (this.#question.stage !== 'connect' || active.check.cost !== 'local')) {
        return this.#failure(active, 'rubbish', 'only a local check can speak of trust, and only at connect');
      }
      return value;
    } catch (error) {
      return this.#failure(active, 'threw', error);
    }
  }

  #settle(slot: Slot, opinion: AnyOpinion | undefined): void {
    slot.answer = { opinion, durationMs: Math.max(0, this.#question.clock.now() - slot.startedAt) };
  }

  #hear(slot: Slot): void {
    const { opinion, durationMs } = slot.answer ?? {};
    if (opinion === undefined || durationMs === undefined) return;
    const { stage, recipient, hears } = this.#question;
    hears({
      check: slot.active.check.name,
      stage,
      ...(recipient !== undefined && { recipient }),
      strangersOnly: isForStrangers(slot.active.check),
      opinion,
      durationMs,
    });
    if (refusalOf(opinion) !== undefined) this.#refused = true;
    if (endsSession(opinion)) this.#ended = true;
  }

  /** Resolves when `done` says so after one of the promises, at the deadline, or when the client is gone. */
  #orInterrupted(promises: readonly Promise<void>[], done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#interrupted !== undefined) resolve();
      else this.#arm();
      for (const promise of promises) {
        promise.then(() => {
          if (this.#wake === resolve && done()) resolve();
        });
      }
    });
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#interrupt('late'), this.#question.timeoutMs).unref();
    this.#question.gone.addEventListener('abort', this.#onGone);
  }

  readonly #onGone = (): void => this.#interrupt('gone');

  #interrupt(why: 'late' | 'gone'): void {
    this.#interrupted = why;
    this.#wake?.();
    this.#controller.abort(
      new DOMException(`the stage is over: ${why}`, why === 'late' ? 'TimeoutError' : 'AbortError'),
    );
  }

  #finish(): StageEnd {
    this.#wake = undefined;
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#question.gone.removeEventListener('abort', this.#onGone);
      // Whoever has not answered need not; for the others the signal has no listener any more.
      this.#controller.abort();
    }
    return this.#interrupted === 'gone' ? 'gone' : 'complete';
  }

  #failure(active: ActiveCheck, failure: Failure, error?: unknown): AnyOpinion {
    const { stage, timeoutMs } = this.#question;
    const detail = failure === 'late' ? `no answer within ${timeoutMs} ms` : errorText(error);
    return checkFailure(active.check, stage, failure, detail);
  }
}

function opinionKindOf(stage: Stage): OpinionKind {
  if (stage === 'recipient') return 'recipient';
  return stage === 'authenticate' ? 'login' : 'opinion';
}

function isAnyOpinion(value: unknown, kind: OpinionKind): value is AnyOpinion {
  return opinionDefect(value, kind) === undefined;
}

/** The opinion that stands for a check that gave none: it is deferred, and the report says why. */
export function checkFailure(check: Check, stage: Stage, failure: Failure, detail: string): AnyOpinion {
  const finding: Finding = {
    kind: 'gateway/check-failed',
    summary: `The check ${check.name} failed at ${stage}: ${detail}.`,
    failure,
    error: detail,
  };
  return {
    finding,
    verdict: 'defer',
    reply: { code: 451, enhanced: '4.3.0', text: 'A check could not be completed, please try again later' },
  };
}

/** What was thrown, as one bounded line for a report; never for a reply. */
export function errorText(error: unknown): string {
  try {
    const text = error instanceof Error ? error.message || error.name : String(error);
    return text.length > 300 ? `${text.slice(0, 300)}…` : text;
  } catch {
    return 'something that cannot be printed was thrown';
  }
}
