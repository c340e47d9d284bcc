import type { Delivery, DeliveryResult, Path, PermanentReply, SmtpReply, Transaction } from '@postern/core';
import { AsciiGuard } from './ascii-guard.ts';
import { backendReplies, toClientReply } from './backend-reply.ts';
import type { AcquireFailure, DialoguePool, PooledDialogue } from './dialogue-pool.ts';
import { envelopeCommands, isInternational } from './envelope-commands.ts';
import type { Extensions } from './open-dialogue.ts';
import { type SendTimes, sendMessage } from './send-message.ts';
import type { Heard, SmtpDialogue } from './smtp-dialogue.ts';

/** How long a server may take, in milliseconds. */
export interface DeliveryTimes extends SendTimes {
  /** For the reply to a command. */
  readonly commandTimeoutMs: number;
}

/** What became of a command: done, not done, or nobody knows as the connection is gone, and whether to try another one. */
type Done =
  | { readonly kind: 'taken'; readonly reply: SmtpReply }
  | { readonly kind: 'refused'; readonly reply: SmtpReply }
  | { readonly kind: 'lost'; readonly reply: SmtpReply; readonly again: boolean };

/**
 * One transaction with an SMTP server.
 *
 * The server may hang up at any moment before DATA without harm: the client may take many minutes for its message, longer
 * than the server waits. Then MAIL and the recipients that were accepted are sent again on another connection, and must
 * all be accepted again. From the 354 on nothing is sent twice.
 */
export class SmtpDelivery implements Delivery {
  readonly #pool: DialoguePool;
  readonly #transaction: Transaction;
  readonly #times: DeliveryTimes;
  readonly #gone = new AbortController();
  /** In a transaction in which MAIL and all of `#accepted` were taken, unless it was lost meanwhile. */
  #member: PooledDialogue | undefined;
  #accepted: readonly Path[] = [];
  #asking = false;
  #over = false;

  constructor(pool: DialoguePool, transaction: Transaction, times: DeliveryTimes) {
    this.#pool = pool;
    this.#transaction = transaction;
    this.#times = times;
  }

  /** To be called for one recipient after the other. */
  async recipient(path: Path): Promise<SmtpReply> {
    if (this.#over) return backendReplies.closed;
    this.#asking = true;
    const done = await this.#ask(path);
    this.#asking = false;
    if (done.kind === 'taken') this.#accepted = [...this.#accepted, path];
    if (this.#over) this.#leave();
    return done.reply;
  }

  async message(bytes: AsyncIterable<Uint8Array>): Promise<DeliveryResult> {
    if (this.#over || this.#accepted.length === 0) return { outcome: 'refused', reply: backendReplies.closed };
    this.#over = true;
    const done = await this.#data();
    const member = this.#member;
    if (done.kind !== 'taken' || member === undefined) {
      this.#leave();
      return { outcome: 'refused', reply: done.reply };
    }
    const result = await sendMessage(member.dialogue, bytes, this.#guard(member.extensions), this.#times);
    this.#pool.release(member);
    return result;
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#gone.abort();
    if (!this.#asking) this.#leave();
  }

  async #ask(path: Path): Promise<Done> {
    const member = this.#member;
    if (member !== undefined && member.dialogue.lost === undefined) {
      const commands = envelopeCommands(this.#transaction, [path], member.extensions);
      if (!isCommands(commands)) return { kind: 'refused', reply: commands };
      const done = judge(await this.#commands(member, commands.slice(1)), 0, member.dialogue);
      if (done.kind !== 'lost' || !done.again || this.#over) return done;
    }
    return this.#establish([...this.#accepted, path]);
  }

  /** DATA, up to the 354. */
  async #data(): Promise<Done> {
    for (let first = true; ; first = false) {
      let member = this.#member;
      if (member === undefined || member.dialogue.lost !== undefined) {
        const done = await this.#establish(this.#accepted);
        member = this.#member;
        // The client has had its 250 for each of them: a refusal now must let it try again, and hear of it at RCPT.
        if (done.kind !== 'taken' || member === undefined) return done.kind === 'lost' ? done : lostAgain;
      }
      const done = judge(await this.#commands(member, ['DATA']), 0, member.dialogue, 354);
      if (done.kind !== 'lost' || !done.again || !first) return done;
    }
  }

  /**
   * MAIL and all these recipients; all but the last one were accepted before. That a pooled connection is dead shows only
   * now, and is no reason to fail: once more, on a new one.
   */
  async #establish(paths: readonly Path[]): Promise<Done> {
    for (let fresh = false; ; fresh = true) {
      this.#member = undefined;
      const acquired = await this.#pool.acquire({ fresh, signal: this.#gone.signal });
      if (acquired.kind === 'failed') return { kind: 'lost', reply: unavailable(acquired), again: false };
      const { member } = acquired;
      const done = await this.#envelope(member, paths);
      if (done.kind !== 'lost' || !done.again || !member.reused || fresh || this.#over) return done;
    }
  }

  async #envelope(member: PooledDialogue, paths: readonly Path[]): Promise<Done> {
    const { dialogue, extensions } = member;
    const commands = envelopeCommands(this.#transaction, paths, extensions);
    if (!isCommands(commands)) {
      this.#pool.release(member);
      return { kind: 'refused', reply: commands };
    }
    const heard = await this.#commands(member, commands);
    const mail = judge(heard, 0, dialogue);
    // Postfix, which opens no transaction then, still holds its SIZE against the next MAIL of the connection: somebody else's.
    if (mail.kind === 'refused') await this.#reset(member);
    // What comes behind a refused MAIL says nothing about the recipients.
    if (mail.kind !== 'taken') return mail;
    this.#member = member;
    for (let i = 1; i < paths.length; i++) {
      const before = judge(heard, i, dialogue);
      if (before.kind === 'taken') continue;
      this.#leave();
      return before.kind === 'lost' ? before : lostAgain;
    }
    return judge(heard, paths.length, dialogue);
  }

  /** RFC 2920: in one go if the server allows it, else one after the other up to the first that is refused. */
  async #commands({ dialogue, extensions }: PooledDialogue, lines: readonly string[]): Promise<readonly Heard[]> {
    const { commandTimeoutMs } = this.#times;
    if (extensions.has('PIPELINING')) return dialogue.commands(lines, commandTimeoutMs);
    const all: Heard[] = [];
    for (const line of lines) {
      const heard = await dialogue.command(line, commandTimeoutMs);
      all.push(heard);
      if (heard.kind === 'lost' || heard.reply.code >= 300) break;
    }
    return all;
  }

  #guard(extensions: Extensions): { ascii: AsciiGuard; reply: PermanentReply } | undefined {
    if (!extensions.has('8BITMIME')) return { ascii: new AsciiGuard('everywhere'), reply: needs8Bit };
    if (!isInternational(this.#transaction) || extensions.has('SMTPUTF8')) return undefined;
    return { ascii: new AsciiGuard('header'), reply: needsUtf8 };
  }

  /** Ends the transaction at the server, so that the connection can serve the next one. */
  #leave(): void {
    const member = this.#member;
    this.#member = undefined;
    if (member !== undefined) void this.#reset(member);
  }

  async #reset(member: PooledDialogue): Promise<void> {
    const heard = await member.dialogue.command('RSET', this.#times.commandTimeoutMs);
    if (heard.kind === 'reply' && heard.reply.code === 250) this.#pool.release(member);
    else member.dialogue.destroy();
  }
}

const lostAgain: Done = { kind: 'lost', reply: backendReplies.lost, again: false };
const needs8Bit: PermanentReply = {
  code: 554,
  enhanced: '5.6.3',
  text: 'The message is not ASCII, and the next mail server takes nothing else (no 8BITMIME)',
};
const needsUtf8: PermanentReply = {
  code: 550,
  enhanced: '5.6.9',
  text: 'The header of the message is not ASCII, and the next mail server takes nothing else (no SMTPUTF8)',
};

function isCommands(value: readonly string[] | PermanentReply): value is readonly string[] {
  return Array.isArray(value);
}

/** What the reply at this place says. A dialogue that is not to be used again is ended. */
function judge(heard: readonly Heard[], at: number, dialogue: SmtpDialogue, expected?: number): Done {
  const one = heard[at];
  if (one === undefined) return lostAgain;
  if (one.kind === 'lost') return { kind: 'lost', reply: backendReplies.lost, again: one.reason !== 'timeout' };
  const { code } = one.reply;
  const reply = toClientReply(one.reply, '2.1.5');
  if (expected === undefined ? code >= 200 && code < 300 : code === expected) return { kind: 'taken', reply };
  // RFC 5321 §3.8: behind a 421 the server hangs up; most often an idle connection was too old for it.
  if (code === 421) {
    dialogue.destroy();
    return { kind: 'lost', reply, again: true };
  }
  if (code < 400) {
    dialogue.destroy();
    return { kind: 'lost', reply: backendReplies.protocol, again: false };
  }
  return { kind: 'refused', reply };
}

function unavailable({ reason }: AcquireFailure): SmtpReply {
  switch (reason) {
    case 'busy':
      return backendReplies.busy;
    case 'misconfigured':
      return backendReplies.misconfigured;
    case 'closed':
      return backendReplies.closed;
    case 'unreachable':
    case 'given-up':
      return backendReplies.unreachable;
  }
}
