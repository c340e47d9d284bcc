import {
  type HeaderBounds,
  type HeaderComplete,
  type HeaderFields,
  HeaderParser,
  type HeaderParserOptions,
  type HeaderRefused,
  type MessageSink,
  NewlineGuard,
  type NewlineMode,
  type PermanentReply,
  type SmtpReply,
} from '@postern/core';
import type { MessageSpool, SpoolFailure } from './message-spool.ts';

/** What a message may be. */
export interface MessageBounds {
  /** What becomes of a message with a bare CR or LF. Default `refuse`. */
  readonly newlines?: NewlineMode;
  /** The most `Received` fields before the message counts as one that goes in circles. Default 100 (RFC 5321 §6.3). */
  readonly maxReceivedFields?: number;
  /** The bounds of the header. Default those of `HeaderParser`. */
  readonly header?: HeaderBounds | HeaderParserOptions;
}

/** The message is whole and within its bounds. */
export interface IntakeComplete {
  readonly kind: 'complete';
  readonly header: HeaderFields;
  /** Its body. Whoever has the result calls `discard`. */
  readonly spool: MessageSpool;
  /** Bytes as the client sent them. */
  readonly byteLength: number;
  /** How many bare CR and LF became CRLF. */
  readonly rewrittenNewlines: number;
}

/** The message is refused; nothing of it is kept. */
export interface IntakeRefused {
  readonly kind: 'refused';
  readonly reason: 'bare-newline' | 'header' | 'loop' | 'aborted' | SpoolFailure['reason'];
  readonly reply: SmtpReply;
  /** One sentence for a person: the operator, not the client. */
  readonly detail: string;
  /** Bytes as the client sent them. */
  readonly byteLength: number;
}

export type IntakeResult = IntakeComplete | IntakeRefused;

/**
 * Takes one message at DATA, as bytes without dot stuffing: watches its newlines, reads its header once, feeds the sinks
 * and spools the body.
 *
 * A refusal is told at the end: SMTP has no reply before the final dot. So the rest of a refused message is taken and
 * dropped. The sinks get `abort` as soon as the message is refused or aborted. After `complete` their `end` is still to be called,
 * by whoever weighs their opinions.
 */
export class MessageIntake {
  readonly #spool: MessageSpool;
  readonly #sinks: readonly MessageSink[];
  readonly #guard: NewlineGuard;
  readonly #parser: HeaderParser;
  readonly #maxReceivedFields: number;
  #byteLength = 0;
  #header: HeaderFields | undefined;
  #refusal: Omit<IntakeRefused, 'kind' | 'byteLength'> | undefined;
  #over = false;

  /**
   * @param spool - empty; discarded here when the message is refused or aborted
   * @param sinks - which never throw, and whose promises never reject
   */
  constructor(spool: MessageSpool, sinks: readonly MessageSink[], bounds: MessageBounds = {}) {
    this.#spool = spool;
    this.#sinks = sinks;
    this.#guard = new NewlineGuard(bounds.newlines ?? 'refuse');
    this.#parser = new HeaderParser(bounds.header);
    this.#maxReceivedFields = bounds.maxReceivedFields ?? 100;
  }

  /** Bytes so far, as the client sent them. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /**
   * The next bytes. They are copied where they are kept: the caller may use the chunk again as soon as the promise, if
   * there is one, has resolved. It is for back-pressure, of the disk and of the sinks; it never rejects, and is to be
   * awaited before the next `write`.
   */
  write(chunk: Uint8Array): void | Promise<void> {
    this.#byteLength += chunk.length;
    if (this.#over) return;
    const bytes = this.#guard.write(chunk);
    if (bytes === undefined) {
      this.#refuseNewline();
      return;
    }
    return this.#pass(bytes);
  }

  /** The client's final dot. To be called once, after the last `write` has been awaited. */
  async finish(): Promise<IntakeResult> {
    if (!this.#over) {
      const missing = this.#guard.end();
      if (missing === undefined) this.#refuseNewline();
      else await this.#pass(missing);
    }
    if (!this.#over && this.#header === undefined) {
      const state = this.#parser.end();
      if (state.kind === 'complete') await this.#passHeader(state);
      else if (state.kind === 'refused') this.#refuseHeader(state);
    }
    const byteLength = this.#byteLength;
    if (this.#over || this.#header === undefined) {
      await this.#spool.discard();
      return { kind: 'refused', ...(this.#refusal ?? aborted), byteLength };
    }
    this.#over = true;
    const rewrittenNewlines = this.#guard.rewritten;
    return { kind: 'complete', header: this.#header, spool: this.#spool, byteLength, rewrittenNewlines };
  }

  /** The message is not wanted any more: the client is gone, or time is up. Does nothing after a refusal or `complete`. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    for (const sink of this.#sinks) sink.abort();
    void this.#spool.discard();
  }

  #pass(bytes: Uint8Array): void | Promise<void> {
    if (this.#header !== undefined) return this.#passBody(bytes);
    const state = this.#parser.write(bytes);
    if (state.kind === 'complete') return this.#passHeader(state);
    if (state.kind === 'refused') this.#refuseHeader(state);
  }

  #passHeader({ header, rest }: HeaderComplete): void | Promise<void> {
    const received = header.all('received').length;
    if (received > this.#maxReceivedFields) {
      const reply: PermanentReply = { code: 554, enhanced: '5.4.6', text: 'The message goes in circles' };
      this.#refuse({ reason: 'loop', reply, detail: `The message has ${received} Received fields.` });
      return;
    }
    // The empty line behind the header counts as well.
    this.#spool.charge(header.byteLength + 2);
    this.#header = header;
    for (const sink of this.#sinks) sink.header(header);
    return this.#passBody(rest);
  }

  #passBody(bytes: Uint8Array): void | Promise<void> {
    let waiting = this.#spool.write(bytes);
    const failure = this.#spool.failure;
    if (failure !== undefined) {
      this.#refuse(failure);
      return;
    }
    if (bytes.length === 0) return;
    for (const sink of this.#sinks) {
      const busy = sink.write(bytes);
      if (busy !== undefined) waiting = waiting === undefined ? busy : both(waiting, busy);
    }
    return waiting;
  }

  #refuseNewline(): void {
    const violation = this.#guard.violation;
    const reply: PermanentReply = {
      code: 550,
      enhanced: '5.6.0',
      text: 'The message has a CR or LF that stands alone; lines must end in CRLF (RFC 5321 section 2.3.8)',
    };
    const detail = `The message has a ${violation?.kind === 'bare-cr' ? 'CR' : 'LF'} alone at byte ${violation?.offset}.`;
    this.#refuse({ reason: 'bare-newline', reply, detail });
  }

  #refuseHeader({ reason, detail }: HeaderRefused): void {
    const reply: PermanentReply =
      reason === 'too-large'
        ? { code: 552, enhanced: '5.3.4', text: 'The header of the message is too large' }
        : { code: 554, enhanced: '5.6.0', text: 'The header of the message has too many fields' };
    this.#refuse({ reason: 'header', reply, detail });
  }

  #refuse({ reason, reply, detail }: Omit<IntakeRefused, 'kind' | 'byteLength'>): void {
    this.#refusal = { reason, reply, detail };
    this.abort();
  }
}

const aborted: Omit<IntakeRefused, 'kind' | 'byteLength'> = {
  reason: 'aborted',
  reply: { code: 451, enhanced: '4.4.2', text: 'The message was given up before it was complete' },
  detail: 'The message was given up before it was complete.',
};

async function both(first: Promise<void>, second: Promise<void>): Promise<void> {
  await first;
  await second;
}
