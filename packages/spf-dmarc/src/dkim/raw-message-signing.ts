import { HeaderParser, type HeaderParserState } from '@postern/core';
import { type DkimSigning, MessageSigning, refused } from './message-signing.ts';
import { NewlineWatch } from './newline-watch.ts';
import type { SigningSettings } from './signing-settings.ts';

/** The signatures of a message that comes as bytes, in chunks of any size. */
export class RawMessageSigning {
  readonly #watch: NewlineWatch;
  readonly #signing: MessageSigning;
  #parser: HeaderParser | undefined;
  #refusal: DkimSigning | undefined;

  constructor({ signatures, clock, header, bareLineFeeds }: SigningSettings) {
    this.#signing = new MessageSigning(signatures.planned, clock);
    this.#watch = new NewlineWatch(bareLineFeeds === 'refuse');
    this.#parser = new HeaderParser(header);
  }

  /** Whether more is wanted: once the message is refused, no. The chunk may be used again at once. */
  write(chunk: Uint8Array): boolean {
    if (this.#refusal !== undefined) return false;
    this.#watch.write(chunk);
    if (this.#watch.found !== undefined) this.#refuseNewline();
    else if (this.#parser === undefined) this.#signing.write(chunk);
    else this.#read(this.#parser.write(chunk), false);
    return this.#refusal === undefined;
  }

  /** The message is complete. */
  async end(): Promise<DkimSigning> {
    if (this.#refusal === undefined) {
      this.#watch.end();
      if (this.#watch.found !== undefined) this.#refuseNewline();
      else if (this.#parser !== undefined) this.#read(this.#parser.end(), true);
    }
    return this.#refusal ?? this.#signing.end();
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

  #refuseNewline(): void {
    this.#refusal =
      this.#watch.found === 'bare-line-feed'
        ? refused('bare-line-feed', 'A line of the message ends in a bare LF.')
        : refused('bare-carriage-return', 'A CR of the message has no LF behind it.');
  }
}
