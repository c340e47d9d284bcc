import type { SmtpReply, Stage } from '@postern/core';
import { endsSession, type HeardOpinion, refusalOf } from './heard-opinion.ts';

/** A refusal that an opinion asks for. */
export interface Refusal {
  readonly heard: HeardOpinion;
  readonly reply: SmtpReply;
}

/**
 * The opinions of a session or of a transaction, in the order in which they count, and what follows from them. What
 * speaks of strangers only lapses once the client is `known` (it has logged in, or stands in a trusted network): its
 * verdict and its score then have no effect. Its finding remains a fact and stays in reports.
 */
export class OpinionLedger {
  #opinions: HeardOpinion[] = [];

  get opinions(): readonly HeardOpinion[] {
    return this.#opinions;
  }

  add(heard: HeardOpinion): void {
    this.#opinions.push(heard);
  }

  /** Drops what was heard at a stage that begins anew: HELO with another name, everything but `connect` at STARTTLS. */
  forget(stage: Stage): void {
    this.#opinions = this.#opinions.filter((each) => each.stage !== stage);
  }

  clear(): void {
    this.#opinions = [];
  }

  /** The first opinion that refuses. */
  refusal(known: boolean): Refusal | undefined {
    for (const heard of this.#opinions) {
      if (hasLapsed(heard, known)) continue;
      const reply = refusalOf(heard.opinion);
      if (reply !== undefined) return { heard, reply };
    }
    return undefined;
  }

  /** The first opinion that ends the session at once. */
  sessionEnd(known: boolean): HeardOpinion | undefined {
    return this.#opinions.find((heard) => !hasLapsed(heard, known) && endsSession(heard.opinion));
  }

  /** The opinions that ask for the message to be marked. */
  quarantines(known: boolean): HeardOpinion[] {
    return this.#opinions.filter((heard) => heard.opinion.verdict === 'quarantine' && !hasLapsed(heard, known));
  }

  score(known: boolean): number {
    let sum = 0;
    for (const heard of this.#opinions) {
      if (heard.opinion.score !== undefined && !hasLapsed(heard, known)) sum += heard.opinion.score;
    }
    return sum;
  }
}

function hasLapsed(heard: HeardOpinion, known: boolean): boolean {
  return known && heard.strangersOnly;
}
