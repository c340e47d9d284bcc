import { HeaderParser, type HeaderParserState, NewlineGuard } from '@postern/core';
import { type DkimSigning, MessageSigning, refused } from './message-signing.ts';
import type { SigningSettings } from './signing-settings.ts';

/** The signatures of a message that comes as bytes, in chunks of any size: `write` for each, then `finish`, then `sign`. */
export class RawMessageSigning {
  readonly #guard: NewlineGuard;
  readonly #signing: MessageSigning;
  #parser: HeaderParser | undefined;
  #refusal: DkimSigning | undefined;

  constructor({ signatures, clock, header, bareNewlines }: SigningSettings) {
    this.#signing = new MessageSigning(signatures.planned, clock);
    this.#guard = new NewlineGuard(bareNewlines);
    this.#parser = new HeaderParser(header);
  }

  /**
   * The chunk as it is signed, and has to be sent: the very same one if no newline of it had to be changed. `undefined`: the
   * message is refused, and no more of it is wanted. The chunk may be used again at once.
   */
  write(chunk: Uint8Array): Uint8Array | undefined {
    return this.#refusal === undefined ? this.#pass(this.#guard.write(chunk)) : undefined;
  }

  /** The message is complete: what is still missing of it, to be sent as well. `undefined`: it is refused. */
  finish(): Uint8Array | undefined {
    if (this.#refusal !== undefined) return undefined;
    const missing = this.#pass(this.#guard.end());
    if (missing !== undefined && this.#parser !== undefined) this.#read(this.#parser.end(), true);
    return this.#refusal === undefined ? missing : undefined;
  }

  /** After `finish`, or once the message is refused. */
  async sign(): Promise<DkimSigning> {
    return this.#refusal ?? this.#signing.end();
  }

  #pass(bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes === undefined) this.#refusal = bareNewline(this.#guard);
    else if (this.#parser === undefined) this.#signing.write(bytes);
    else this.#read(this.#parser.write(bytes), false);
    return this.#refusal === undefined ? bytes : undefined;
  }

  #read(state: HeaderParserState, ended: boolean): void {
    if (state.kind === 'incomplete') return;
    this.#parser = undefined;
    if (state.kind === 'refused') {
      this.#refusal = refused('header-too-large', state.detail);
    } else if (!state.separator && (!ended || state.rest.length > 0)) {
      this.#refusal = refused('broken-header', 'A line of the header is no field.');
    } else {
      this.#signing.header(state.header);
      this.#signing.write(state.rest);
    }
  }
}

function bareNewline({ violation }: NewlineGuard): DkimSigning {
  const at = violation?.offset;
  return violation?.kind === 'bare-cr'
    ? refused('bare-carriage-return', `The CR at byte ${at} of the message has no LF behind it.`)
    : refused('bare-line-feed', `The LF at byte ${at} of the message has no CR before it.`);
}
