import {
  type AnyOpinion,
  type Awaitable,
  type Check,
  type CheckRun,
  type Clock,
  errorText,
  isPending,
  type OpinionKind,
  readOpinion,
  type Stage,
} from '@postern/core';
import { type CheckFailureReason, checkFailure } from './check-failure.ts';
import { endsSession, type HeardOpinion, isForStrangers } from './heard-opinion.ts';

/** A check at work on one session. */
export interface ActiveCheck {
  readonly check: Check;
  readonly run: CheckRun;
}

/** One stage of one session, as a question to all its checks. */
export interface StageQuestion {
  readonly stage: Stage;
  /** The recipient asked about, at stage `recipient`. */
  readonly recipient: string | undefined;
  /** Those that have something to say at this stage: the local ones in their order, then the network ones in theirs. */
  readonly checks: readonly ActiveCheck[];
  /** Puts the question to one check. What it returns or throws is not trusted. */
  readonly ask: (active: ActiveCheck, signal: AbortSignal) => unknown;
  /**
   * Whether the check has become unnecessary by what was heard before, at earlier stages or at this one. Asked right before
   * the check would be, and of a network check once more when its turn has come.
   */
  readonly skips: (active: ActiveCheck) => boolean;
  /** Told of each opinion that counts, in order. */
  readonly hears: (heard: HeardOpinion) => void;
  /** Aborted for whoever has not answered when the stage is over. Another stage may use it if it was not. */
  readonly controller: AbortController;
  /** Milliseconds for the whole stage. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Fires when the client is gone. */
  readonly gone: AbortSignal;
}

/** `gone`: the client went away meanwhile, so that there is nobody to answer. */
export type StageEnd = 'complete' | 'gone';

/**
 * Asks the checks of one stage: the local ones in order, one after the other, then the network ones together. Opinions
 * count as if all had been asked in order: what a network check says counts only when nothing before it made it
 * unnecessary, however soon it was there. Once everything that counts is heard, the rest is aborted.
 *
 * It fails closed. A check that throws, answers something that is no opinion, or has not answered at the deadline counts
 * as `defer` with 451 4.3.0. A 421 ends the stage at once.
 *
 * When no check answers with a promise, neither does this function, and no timer is set.
 */
export function runStage(question: StageQuestion): Awaitable<StageEnd> {
  return new StageRun(question).start();
}

/** Why a signal fires. One object each: what an exception costs is its stack, which would say nothing here. */
export const CLIENT_GONE: DOMException = new DOMException('The client is gone.', 'AbortError');
const DEADLINE_PASSED = new DOMException('The deadline of the stage has passed.', 'TimeoutError');
const STAGE_OVER = new DOMException('The outcome of the stage is determined.', 'AbortError');

/** What a check answered, or has not yet. */
interface Slot {
  readonly active: ActiveCheck;
  answer: { readonly opinion: AnyOpinion | undefined; readonly durationMs: number } | undefined;
}

class StageRun {
  readonly #question: StageQuestion;
  /** A 421 was heard. */
  #ended = false;
  #interrupted: 'late' | 'gone' | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What is to happen when the deadline passes or the client goes. */
  #wake: (() => void) | undefined;
  /** When the check that is being asked was asked, or the network checks were. */
  #askedAt: number;

  constructor(question: StageQuestion) {
    this.#question = question;
    this.#askedAt = question.clock.now();
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
      const answer = this.#ask(active);
      if (answer === undefined) continue;
      const slot: Slot = { active, answer: undefined };
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
    const { checks, skips } = this.#question;
    const slots: Slot[] = [];
    const pending: Promise<void>[] = [];
    for (let index = from; index < checks.length; index += 1) {
      const active = checks[index];
      if (active === undefined || skips(active)) continue;
      const slot: Slot = { active, answer: undefined };
      slots.push(slot);
      const answer = this.#ask(active);
      if (isPending(answer)) pending.push(answer.then((opinion) => this.#settle(slot, opinion)));
      else this.#settle(slot, answer);
    }
    // Even when what is there suffices: whoever is still at it is then told to stop.
    if (pending.length > 0) this.#arm();
    let turn = 0;
    /** Hears what is next in order, as far as it is there; whether everything that counts is heard. */
    const hearInOrder = (): boolean => {
      for (let slot = slots[turn]; slot !== undefined && !this.#ended; slot = slots[turn]) {
        if (!skips(slot.active)) {
          if (slot.answer === undefined) return false;
          this.#hear(slot);
        }
        turn += 1;
      }
      return true;
    };
    if (hearInOrder()) return this.#finish();
    return this.#orInterrupted(pending, hearInOrder).then(() => {
      if (this.#interrupted === 'late') {
        for (const slot of slots) {
          if (slot.answer === undefined) this.#settle(slot, this.#failure(slot.active, 'late'));
        }
        hearInOrder();
      }
      return this.#finish();
    });
  }

  /** One check's answer. The promise never rejects. */
  #ask(active: ActiveCheck): Awaitable<AnyOpinion | undefined> {
    try {
      const answer = this.#question.ask(active, this.#question.controller.signal);
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
      const read = readOpinion(value, opinionKindOf(this.#question.stage));
      if ('defect' in read) return this.#failure(active, 'rubbish', read.defect);
      const { opinion } = read;
      if (opinion.trust === true && (this.#question.stage !== 'connect' || active.check.cost !== 'local')) {
        return this.#failure(active, 'rubbish', 'only a local check can speak of trust, and only at connect');
      }
      return opinion;
    } catch (error) {
      return this.#failure(active, 'threw', error);
    }
  }

  #settle(slot: Slot, opinion: AnyOpinion | undefined): void {
    const now = this.#question.clock.now();
    slot.answer = { opinion, durationMs: Math.max(0, now - this.#askedAt) };
    if (slot.active.check.cost === 'local') this.#askedAt = now;
  }

  #hear(slot: Slot): void {
    const { opinion, durationMs } = slot.answer ?? {};
    if (opinion === undefined || durationMs === undefined) return;
    const { stage, recipient, hears } = this.#question;
    hears({
      check: slot.active.check.name,
      stage,
      recipient,
      strangersOnly: isForStrangers(slot.active.check),
      opinion,
      durationMs,
    });
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
    this.#question.controller.abort(why === 'late' ? DEADLINE_PASSED : CLIENT_GONE);
  }

  #finish(): StageEnd {
    this.#wake = undefined;
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#question.gone.removeEventListener('abort', this.#onGone);
      // Whoever has not answered need not; for the others the signal has no listener any more.
      this.#question.controller.abort(STAGE_OVER);
    }
    return this.#interrupted === 'gone' ? 'gone' : 'complete';
  }

  #failure(active: ActiveCheck, failure: CheckFailureReason, error?: unknown): AnyOpinion {
    const { stage, timeoutMs } = this.#question;
    const detail = failure === 'late' ? `no answer within ${timeoutMs} ms` : errorText(error);
    return checkFailure(active.check, stage, failure, detail);
  }
}

function opinionKindOf(stage: Stage): OpinionKind {
  if (stage === 'recipient') return 'recipient';
  return stage === 'authenticate' ? 'login' : 'opinion';
}
