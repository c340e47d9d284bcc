import type { Report } from '@postern/core';

/** RFC 3463 §3.2: no such mailbox; RFC 7505 §4.1, which Exchange says of unknown mailboxes too. */
const unknownUser: ReadonlySet<string> = new Set(['5.1.1', '5.1.10']);

/** Counts the recipients of one session that nobody here is. */
export class UnknownRecipients {
  readonly #most: number;
  #count = 0;
  /** Of those, the ones whose transaction has not been reported. */
  #unreported = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether the session has asked for more of them than it may. */
  get tooMany(): boolean {
    return this.#count > this.#most;
  }

  add(): void {
    this.#count++;
    this.#unreported++;
  }

  /** A transaction has ended: what the backend said of recipients that were let in shows only now. */
  settle({ recipients }: Report): void {
    const refused = recipients.filter(({ reply }) => unknownUser.has(reply.enhanced)).length;
    this.#count += Math.max(0, refused - this.#unreported);
    this.#unreported = 0;
  }
}
