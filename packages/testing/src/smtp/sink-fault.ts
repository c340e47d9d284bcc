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
 * - `hang`: says nothing more, and reads nothing, until the client leaves.
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
    for (const rule of rules) {
      if (rule.fault === 'reply' && !/^[2-5]\d\d(?: |$)/.test(rule.reply)) {
        throw new RangeError(`SmtpSink: ${JSON.stringify(rule.reply)} is no reply; it takes a code and a text`);
      }
      if (rule.stage === 'body' && (rule.fault === 'reply' || rule.fault === 'raw')) {
        throw new RangeError('SmtpSink: in the middle of a message no server replies');
      }
    }
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
