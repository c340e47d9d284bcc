import { type Awaitable, type Clock, ExpiringMap, isClock, isPending, OptionReader, systemClock } from '@postern/core';
import type { RecipientLookup } from './recipient-set.ts';

/** How long and how much {@link rememberRecipients} remembers. */
export interface RememberRecipientsOptions {
  /** Milliseconds for which a recipient that exists is not asked about again. Default 3,600,000 (an hour); ≥ 0. */
  readonly knownMs?: number;
  /**
   * Milliseconds for which a recipient that does not exist is not asked about again: for so long a new mailbox gets no mail.
   * Default 300,000 (5 minutes); ≥ 0.
   */
  readonly unknownMs?: number;
  /** The most recipients that are remembered, of about 500 bytes each at most. Default 10,000; ≥ 1. */
  readonly maxEntries?: number;
  /** Default the system's clock. */
  readonly clock?: Clock;
}

/** A question that is being asked, for all who want to know. */
interface SharedQuestion {
  readonly answer: Promise<boolean>;
  readonly stop: AbortController;
  waiting: number;
}

interface Remembered {
  readonly exists: boolean;
  readonly expiresAt: number;
}

function isLookup(value: unknown): value is RecipientLookup {
  return typeof value === 'function';
}

/**
 * Remembers what a lookup answered, in memory and within bounds, for whatever client: so let it go by the recipient alone, and
 * not by the transaction. Who asks while the same question is being asked waits for that answer, unless somebody has already
 * waited in vain; the lookup is told to stop when nobody waits any more. A failure is told to all who wait and not remembered.
 *
 * When it is full, what would be forgotten soonest goes first: of addresses that somebody tries, those that do not exist.
 *
 * @param lookup - whom to ask
 * @throws TypeError or RangeError that names the option
 */
export function rememberRecipients(lookup: RecipientLookup, options?: RememberRecipientsOptions): RecipientLookup {
  const read = new OptionReader('rememberRecipients', options);
  const knownMs = read.integer('knownMs', 3_600_000, { min: 0 });
  const unknownMs = read.integer('unknownMs', 300_000, { min: 0 });
  const maxKeys = read.integer('maxEntries', 10_000, { min: 1, max: 2 ** 24 });
  const clock = read.value('clock', isClock, 'a clock with now()') ?? systemClock;
  read.done();
  if (!isLookup(lookup)) throw new TypeError('rememberRecipients: lookup must be a function');

  const remembered = new ExpiringMap<Remembered>({ maxKeys });
  const questions = new Map<string, SharedQuestion>();

  const remember = (key: string, exists: unknown): boolean => {
    if (typeof exists !== 'boolean') throw new TypeError('the lookup answered neither true nor false');
    const now = clock.now();
    remembered.set(key, { exists, expiresAt: now + (exists ? knownMs : unknownMs) }, now);
    return exists;
  };

  const put = (key: string, ask: (signal: AbortSignal) => Awaitable<boolean>): boolean | SharedQuestion => {
    const stop = new AbortController();
    const answer = ask(stop.signal);
    if (!isPending(answer)) return remember(key, answer);
    const forget = (): void => {
      if (questions.get(key) === question) questions.delete(key);
    };
    const question: SharedQuestion = {
      answer: Promise.resolve(answer)
        .then((exists) => remember(key, exists))
        .finally(forget),
      stop,
      waiting: 0,
    };
    questions.set(key, question);
    return question;
  };

  const join = (key: string, question: SharedQuestion, signal: AbortSignal): Promise<boolean> =>
    new Promise((resolve, reject) => {
      question.waiting++;
      const onAbort = (): void => {
        reject(signal.reason);
        question.waiting--;
        // Who comes now asks anew: else a question that hangs would hang for as long as anybody asks for that recipient.
        if (questions.get(key) === question) questions.delete(key);
        if (question.waiting === 0) question.stop.abort(signal.reason);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      question.answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });

  return (recipient, { signal, transaction }) => {
    const key = `${recipient.localPart}@${recipient.domain}`;
    const known = remembered.get(key, clock.now());
    if (known !== undefined) return known.exists;
    const question = questions.get(key) ?? put(key, (stop) => lookup(recipient, { transaction, signal: stop }));
    return typeof question === 'boolean' ? question : join(key, question, signal);
  };
}
