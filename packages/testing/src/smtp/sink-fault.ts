import { OptionReader } from '@postern/core';

/**
 * Where in the conversation a sink is about to reply. `body` is in the middle of a message, where there is no reply to
 * give; `dot` is behind the final dot, before the reply.
 */
export type SinkStage =
  | 'connect'
  | 'helo'
  | 'starttls'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'body'
  | 'dot'
  | 'rset'
  | 'noop'
  | 'quit';

/**
 * What an `SmtpSink` does instead of replying as it should.
 *
 * - `reply`: this reply, `'450 4.2.1 Mailbox busy'`; a line feed makes several lines. A 421 closes the connection.
 * - `close`, `reset`: ends the connection with FIN or RST, without a reply.
 * - `hang`: says nothing more, and reads no more than a megabyte, until the client leaves.
 * - `delay`: replies `delayMs` later.
 * - `raw`: these bytes as they are, in place of the reply; what they say counts if they are a reply.
 */
export type SinkFault =
  | { readonly fault: 'reply'; readonly reply: string }
  | { readonly fault: 'close' | 'reset' | 'hang' }
  | { readonly fault: 'delay'; readonly delayMs: number }
  | { readonly fault: 'raw'; readonly bytes: string };

/** A fault, and when it strikes: at every time that the stage is reached, unless it says which. */
export type SinkFaultRule = SinkFault & {
  readonly stage: SinkStage;
  /** Only this address (at `mail` and `rcpt`), or this verb (`EHLO` or `HELO`, at `helo`). Letter case does not matter. */
  readonly match?: string;
  /** Only at `body`: when so many bytes of the message have come. Default 1. */
  readonly afterBytes?: number;
  /** Strikes only so many times. Default: without end. */
  readonly times?: number;
};

/** Every fault but a delay, which something else follows. */
export type SinkDeed = Exclude<SinkFault, { fault: 'delay' }>;

/** Rules with their counts. */
export class SinkFaultTable {
  readonly #rules: readonly { readonly rule: SinkFaultRule; left: number }[];

  constructor(rules: readonly SinkFaultRule[]) {
    for (const rule of rules) check(rule);
    this.#rules = rules.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
  }

  /** What strikes here: the first rule that matches, and the delays that stand before it. */
  strike(stage: SinkStage, subject: string, bytes: number = 0): { fault: SinkDeed | undefined; delayMs: number } {
    let delayMs = 0;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (entry.left <= 0 || rule.stage !== stage) continue;
      if (rule.match !== undefined && rule.match.toLowerCase() !== subject.toLowerCase()) continue;
      if (stage === 'body' && bytes < (rule.afterBytes ?? 1)) continue;
      entry.left--;
      if (rule.fault !== 'delay') return { fault: rule, delayMs };
      delayMs += rule.delayMs;
    }
    return { fault: undefined, delayMs };
  }
}

const conversation: readonly SinkStage[] = ['connect', 'helo', 'starttls', 'mail', 'rcpt', 'data', 'body', 'dot'];
const stages: readonly SinkStage[] = [...conversation, 'rset', 'noop', 'quit'];
const words: readonly SinkFault['fault'][] = ['reply', 'close', 'reset', 'hang', 'delay', 'raw'];

/** A misspelt fault would be a test that tests nothing. */
function check(rule: SinkFaultRule): void {
  const read = new OptionReader('SmtpSink fault', rule);
  const fault = read.required('fault', isWord, `one of ${words.join(', ')}`);
  const stage = read.required('stage', isStage, `one of ${stages.join(', ')}`);
  read.text('match', '');
  read.integer('times', 1, { min: 0 });
  if (stage === 'body') {
    read.integer('afterBytes', 1, { min: 0 });
    if (fault === 'reply' || fault === 'raw')
      read.refuse('fault', 'something else: nobody replies in the middle of a message');
  }
  if (fault === 'reply') {
    if (!/^[2-5]\d\d(?: |$)/.test(read.text('reply', ''))) read.refuse('reply', 'a code and a text');
  } else if (fault === 'delay') {
    read.required('delayMs', isDuration, 'milliseconds ≥ 0');
  } else if (fault === 'raw') {
    read.text('bytes', '');
  }
  read.done();
}

function isWord(value: unknown): value is SinkFault['fault'] {
  return words.some((word) => word === value);
}

function isStage(value: unknown): value is SinkStage {
  return stages.some((stage) => stage === value);
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}
