import { type Awaitable, isPending } from '../awaitable.ts';
import { type DryOpinion, type DryPlace, dryFailure, dryOpinion } from './dry-opinion.ts';
import type { OpinionKind } from './is-opinion.ts';

/** One question to a check, put so that whatever it does becomes a finding. */
export interface DryQuestion {
  readonly ask: () => unknown;
  readonly kind: OpinionKind;
  readonly place: DryPlace;
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The answer, at once when the check answers at once. Never throws, never rejects, and comes within `timeoutMs`. */
export function dryAnswer({ ask, kind, place, timeoutMs, signal }: DryQuestion): Awaitable<DryOpinion | undefined> {
  let answer: unknown;
  try {
    answer = ask();
    if (!isPending(answer)) return dryOpinion(answer, kind, place);
  } catch (error) {
    return dryFailure(place, 'threw', error);
  }
  const pending = Promise.resolve(answer);
  return new Promise((resolve) => {
    const settle = (opinion: DryOpinion | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(opinion);
    };
    const late = (why: string): void => settle(dryFailure(place, 'late', why));
    const onAbort = (): void => late('no answer before it was told to stop');
    const timer = setTimeout(late, timeoutMs, `no answer within ${timeoutMs} ms`).unref();
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
    pending
      .then((value) => dryOpinion(value, kind, place))
      .then(settle, (error: unknown) => settle(dryFailure(place, 'threw', error)));
  });
}
