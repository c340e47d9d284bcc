import {
  type Answer,
  type Awaitable,
  andThen,
  checkFailed,
  type Finding,
  type HeaderFields,
  type MessageSink,
  type Opinion,
  type PermanentReply,
  readMailbox,
  readOriginators,
} from '@postern/core';
import { askLookup, type LookupBounds, type LookupFailure } from './ask-lookup.ts';
import type { SenderAddress, SenderLookup } from './sender-map.ts';

/** Each of them may cost a query. No letter has so many authors. */
const MOST_AUTHORS = 20;
/** How much of an address a finding quotes: more than the longest legal mailbox has. */
const LONGEST_QUOTED = 320;

// RFC 6409 §6.1, and §6.3 for the message: 550 with 5.7.1 for what this user may not do.
const notYours: PermanentReply = {
  code: 550,
  enhanced: '5.7.1',
  text: 'You may not send with that sender address. Use an address of your own, or ask the postmaster for this one.',
};
const notYoursInHeader: PermanentReply = {
  code: 550,
  enhanced: '5.7.1',
  text: 'The From or Sender field has an address with which you may not send. Use an address of your own.',
};
// RFC 6409 §5.1 and §6.3: 554 for what is wrong with the message itself. RFC 3463 §3.7: its content.
const unreadable: PermanentReply = {
  code: 554,
  enhanced: '5.6.0',
  text: 'The message needs exactly one From field with plain addresses (and with several of them, one Sender field).',
};

/** Where a sender address stands. */
type Place = 'mail-from' | 'from' | 'sender';

/** Who wants to send. */
interface Submission {
  readonly user: string;
  readonly lookup: SenderLookup;
  /** Milliseconds for each question. */
  readonly timeoutMs: number;
}

/**
 * May the user send with this reverse-path? Nothing to say of the null reverse-path: RFC 6409 §3.2 has it accepted, since
 * mail programs need it for notifications; the From field is judged all the same.
 */
export function judgeReversePath(submission: Submission, address: string, signal: AbortSignal): Answer {
  if (address === '') return undefined;
  const mailbox = readMailbox(address);
  if (mailbox === undefined) return opinionOf(submission.user, 'mail-from', address, false);
  return andThen(ask(submission, { address, ...mailbox }, signal), (owned) =>
    opinionOf(submission.user, 'mail-from', address, owned),
  );
}

/** Judges the From and Sender fields of one message of a user: every address in them must be the user's. */
export class OriginatorSink implements MessageSink {
  readonly #submission: Submission;
  readonly #gone = new AbortController();
  #header: HeaderFields | undefined;

  constructor(submission: Submission) {
    this.#submission = submission;
  }

  header(fields: HeaderFields): void {
    this.#header = fields;
  }

  write(): void {}

  end(): Answer {
    const found = this.#header === undefined ? 'The message has no header.' : findOriginators(this.#header);
    if (typeof found === 'string') {
      const { user } = this.#submission;
      return {
        finding: { kind: 'relay-acl/from-unreadable', summary: found, user },
        verdict: 'reject',
        reply: unreadable,
      };
    }
    return this.#judge(found);
  }

  abort(): void {
    this.#gone.abort(new DOMException('The message is not wanted any more.', 'AbortError'));
  }

  /** One after the other: who may not use the first need not be asked about the rest. */
  async #judge(found: readonly Found[]): Promise<Opinion | undefined> {
    const { user } = this.#submission;
    let last: Opinion | undefined;
    for (const { place, sender } of found) {
      last = opinionOf(user, place, sender.address, await ask(this.#submission, sender, this.#gone.signal));
      if (last.verdict !== undefined) return last;
    }
    return last;
  }
}

interface Found {
  readonly place: 'from' | 'sender';
  readonly sender: SenderAddress;
}

/** RFC 5322 §3.6.2: one From; a Sender at most once, and surely when From has several. Else what is wrong, as a sentence. */
function findOriginators(header: HeaderFields): readonly Found[] | string {
  const froms = header.all('from');
  const senders = header.all('sender');
  const [from] = froms;
  const [sender] = senders;
  if (from === undefined || froms.length > 1) return `The message has ${froms.length} From fields instead of one.`;
  if (senders.length > 1) return `The message has ${senders.length} Sender fields.`;
  const reading = readOriginators(from.value);
  if (!reading.ok) return 'The From field cannot be read beyond doubt.';
  const authors = reading.originators;
  if (authors.length > MOST_AUTHORS) return `The From field has ${authors.length} addresses.`;
  if (sender === undefined) {
    if (authors.length > 1) return 'The From field has several addresses, and there is no Sender field.';
    return authors.map((author) => ({ place: 'from', sender: author }));
  }
  const agents = readOriginators(sender.value);
  if (!agents.ok || agents.originators.length !== 1) return 'The Sender field is not one address.';
  return [
    ...authors.map((author): Found => ({ place: 'from', sender: author })),
    ...agents.originators.map((agent): Found => ({ place: 'sender', sender: agent })),
  ];
}

function ask(
  { user, lookup, timeoutMs }: Submission,
  sender: SenderAddress,
  signal: AbortSignal,
): Awaitable<boolean | LookupFailure> {
  const bounds: LookupBounds = { timeoutMs, signal };
  return askLookup((waiting) => lookup(user, sender, { signal: waiting }), bounds);
}

function opinionOf(user: string, place: Place, address: string, owned: boolean | LookupFailure): Opinion {
  const facts = { user, place, sender: address.slice(0, LONGEST_QUOTED) };
  if (owned === true) {
    return {
      finding: { kind: 'relay-acl/sender-owned', summary: `The user ${user} may send with this address.`, ...facts },
    };
  }
  if (owned === false) {
    const summary = `The user ${user} may not send with this address.`;
    const finding: Finding = { kind: 'relay-acl/sender-not-owned', summary, ...facts };
    return { finding, verdict: 'reject', reply: place === 'mail-from' ? notYours : notYoursInHeader };
  }
  const summary = `Whether the user ${user} may send with this address is not known: ${owned.failure}.`;
  return { finding: { kind: 'relay-acl/lookup-failed', summary, ...facts }, verdict: 'defer', reply: checkFailed };
}
