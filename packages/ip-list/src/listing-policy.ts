import type { Finding, Opinion, OptionReader, PermanentReply, TransientReply } from '@postern/core';
import { ReplyTemplate, type TemplateWords } from './reply-template.ts';

/**
 * What a listing does.
 *
 * - `reject`: 550 5.7.1
 * - `defer`: 450 4.7.1, so that mail of a server whose ban ends in time is late instead of lost
 * - `disconnect`: 421 4.7.0, at once: neither a login nor a mail to the postmaster can be tried
 * - `quarantine`: the message is taken and marked
 * - `score`: nothing but the score
 */
export type ListedVerdict = 'reject' | 'defer' | 'disconnect' | 'quarantine' | 'score';

/** What a check makes of a listing. */
export interface ListingOptions {
  /** Default `reject`. */
  readonly onListed?: ListedVerdict;
  /** What a listing adds to the score of the transaction. Default 0; needed with `onListed: 'score'`. */
  readonly score?: number;
}

const VERDICTS: readonly ListedVerdict[] = ['reject', 'defer', 'disconnect', 'quarantine', 'score'];

/** Turns a listing into an opinion. */
export class ListingPolicy {
  readonly #verdict: ListedVerdict;
  readonly #score: number;
  readonly #text: ReplyTemplate;

  /** Reads the options `onListed`, `score` and `text`. */
  constructor(read: OptionReader, text: string, places: readonly string[]) {
    this.#verdict = read.oneOf('onListed', VERDICTS, 'reject');
    this.#score = read.number('score', 0);
    if (this.#verdict === 'score' && this.#score === 0) {
      read.refuse('score', 'a finite number other than 0, since onListed is "score"');
    }
    this.#text = new ReplyTemplate(read, text, places);
  }

  /** Whether a listing ends the session. */
  get disconnects(): boolean {
    return this.#verdict === 'disconnect';
  }

  opinionOf(finding: Finding, words: TemplateWords): Opinion {
    const facts = this.#score === 0 ? { finding } : { finding, score: this.#score };
    switch (this.#verdict) {
      case 'score':
        return facts;
      case 'quarantine':
        return { ...facts, verdict: 'quarantine' };
      case 'reject': {
        const reply: PermanentReply = { code: 550, enhanced: '5.7.1', text: this.#text.fill(words) };
        return { ...facts, verdict: 'reject', reply };
      }
      case 'defer': {
        const reply: TransientReply = { code: 450, enhanced: '4.7.1', text: this.#text.fill(words) };
        return { ...facts, verdict: 'defer', reply };
      }
      case 'disconnect': {
        const reply: TransientReply = { code: 421, enhanced: '4.7.0', text: this.#text.fill(words) };
        return { ...facts, verdict: 'defer', reply };
      }
    }
  }
}
