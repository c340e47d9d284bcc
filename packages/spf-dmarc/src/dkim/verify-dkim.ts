import {
  HeaderBounds,
  HeaderParser,
  type HeaderParserOptions,
  type HeaderParserState,
  OptionReader,
} from '@postern/core';
import type { DkimSignatureResult } from './dkim-signature-result.ts';
import { DkimVerifier } from './dkim-verifier.ts';
import { type DkimMessage, readMessage } from './message-chunks.ts';
import { signatureResult } from './signature-result.ts';
import { type DkimVerifierOptions, VerifierSettings } from './verifier-settings.ts';

/** How to ask {@link verifyDkim}. */
export interface DkimVerificationOptions extends DkimVerifierOptions {
  /** The bounds of the header. Default: 256 KiB and 1,000 fields. */
  readonly header?: HeaderParserOptions;
}

/**
 * Verifies the DKIM signatures of a message (RFC 6376 §6, RFC 8301, RFC 8463), in one pass over its bytes, with no more of
 * it in memory than its header.
 *
 * Bounded: the header, 64 tags a signature, `maxSignatures` signatures, one DNS query and at most four keys each, all of
 * them within `timeoutMs`. The time is linear in the bytes.
 *
 * A bare LF counts as CRLF, as mail servers take it; a bare CR is a byte like any other. Of a header that ends with a line
 * that is no field nothing holds (`header`): readers do not agree on what such a message says.
 *
 * @param message - its bytes as they came: a `Uint8Array`, or chunks of it from an array, a generator or a stream, which is
 * destroyed when it is not read to its end
 * @returns what each signature came to, from top to bottom: nothing when there is none. It rejects only for a mistake of the
 * caller's: a wrong option (`TypeError`, `RangeError`), a chunk that is no bytes (`TypeError`). A stream that fails, and
 * an abort, are `temperror`.
 *
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs';
 * import { systemResolver } from '@postern/core';
 * import { verifyDkim } from '@postern/spf-dmarc';
 *
 * for (const { result, domain, detail } of await verifyDkim(createReadStream('mail.eml'), { resolver: systemResolver() })) {
 *   console.log(result, domain, detail);
 * }
 * ```
 */
export async function verifyDkim(
  message: DkimMessage,
  options: DkimVerificationOptions,
): Promise<readonly DkimSignatureResult[]> {
  const read = new OptionReader('verifyDkim', options);
  const settings = new VerifierSettings(read);
  const bounds = new HeaderBounds(read.value('header', isObject, 'an object'));
  read.done();
  const verification = new Verification(new DkimVerifier(settings), bounds);
  const failure = await readMessage(message, (chunk) => verification.write(chunk), settings.signal);
  return failure === undefined ? verification.end() : verification.giveUp(failure);
}

function isObject(value: unknown): value is HeaderParserOptions {
  return typeof value === 'object' && value !== null;
}

/** One message, from its first byte on. */
class Verification {
  readonly #verifier: DkimVerifier;
  #parser: HeaderParser | undefined;
  /** Set when no more needs to be read. */
  #results: readonly DkimSignatureResult[] | undefined;

  constructor(verifier: DkimVerifier, bounds: HeaderBounds) {
    this.#verifier = verifier;
    this.#parser = new HeaderParser(bounds);
  }

  /** Whether more is wanted. */
  write(chunk: Uint8Array): boolean {
    if (this.#results !== undefined) return false;
    if (this.#parser === undefined) this.#verifier.write(chunk);
    else this.#read(this.#parser.write(chunk));
    return this.#results === undefined;
  }

  async end(): Promise<readonly DkimSignatureResult[]> {
    if (this.#results === undefined && this.#parser !== undefined) this.#read(this.#parser.end());
    return this.#results ?? this.#verifier.end();
  }

  giveUp(detail: string): readonly DkimSignatureResult[] {
    if (this.#parser !== undefined) return [signatureResult('incomplete', detail)];
    return this.#verifier.giveUp('incomplete', detail);
  }

  #read(state: HeaderParserState): void {
    if (state.kind === 'incomplete') return;
    this.#parser = undefined;
    if (state.kind === 'refused') {
      this.#results = [signatureResult('header', state.detail)];
      return;
    }
    this.#verifier.header(state.header);
    if (!state.separator && state.rest.length > 0) {
      this.#results = this.#verifier.giveUp('header', 'A line of the header is no field.');
    } else {
      this.#verifier.write(state.rest);
    }
  }
}
