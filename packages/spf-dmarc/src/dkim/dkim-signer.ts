import { errorMonitor } from 'node:events';
import { tmpdir } from 'node:os';
import { addAbortSignal, Duplex } from 'node:stream';
import { OptionReader } from '@postern/core';
import type { DkimSigningFault } from './message-signing.ts';
import { RawMessageSigning } from './raw-message-signing.ts';
import { SignerSpool } from './signer-spool.ts';
import { type DkimSigningOptions, readSigningSettings } from './signing-settings.ts';

/** How a `DkimSigner` signs, and what it may take. */
export interface DkimSignerOptions extends DkimSigningOptions {
  /**
   * Bytes of the message that stay in memory; a larger one goes to a temporary file (mode 0600, without a name). What is
   * less than 64 KiB counts as 64 KiB. Default 1,048,576 (1 MiB).
   */
  readonly memoryBytes?: number;
  /** The most bytes that a message may have as it comes in. Default 104,857,600 (100 MiB). */
  readonly maxMessageBytes?: number;
  /** Where the temporary file is made. Default `os.tmpdir()`. */
  readonly directory?: string;
}

/** Why a `DkimSigner` failed. */
export class DkimSigningError extends Error {
  override readonly name = 'DkimSigningError';
  readonly fault: DkimSigningFault | 'message-too-large';

  constructor(fault: DkimSigningFault | 'message-too-large', message: string) {
    super(message);
    this.fault = fault;
  }
}

/**
 * A stream that a message passes through to be signed: it comes out with its `DKIM-Signature` fields on top. They speak of
 * the body's last byte, so nothing comes out before that went in: until then the message is held in bounded memory and
 * then on the disk.
 *
 * A message that cannot be signed (see `DkimSigningFault`) fails the stream with a {@link DkimSigningError}: it does not
 * leave unsigned. Destroying the stream at any time frees what it holds; its `signal` destroys it with an `AbortError`.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { DkimSignatures, DkimSigner } from '@postern/spf-dmarc';
 * import { createTransport } from 'nodemailer';
 *
 * const key = readFileSync('s2026.pem');
 * const signatures = new DkimSignatures([{ domain: 'example.com', selector: 's2026', key }]);
 * const transporter = createTransport({ host: 'mail.example.com' });
 * transporter.use('stream', (mail, done) => {
 *   mail.message.transform(() => new DkimSigner({ signatures }));
 *   done();
 * });
 * ```
 */
export class DkimSigner extends Duplex {
  readonly #signing: RawMessageSigning;
  readonly #spool: SignerSpool;
  readonly #maxMessageBytes: number;
  #byteLength = 0;
  #output: AsyncIterator<Uint8Array> | undefined;
  #reading = false;

  constructor(options: DkimSignerOptions) {
    const read = new OptionReader('DkimSigner', options);
    const settings = readSigningSettings(read, 'normalize');
    const memoryBytes = read.integer('memoryBytes', 1024 * 1024, { min: 0 });
    const directory = read.text('directory', tmpdir());
    const maxMessageBytes = read.integer('maxMessageBytes', 100 * 1024 * 1024, { min: 1 });
    read.done();
    super();
    this.#signing = new RawMessageSigning(settings);
    this.#spool = new SignerSpool(memoryBytes, directory);
    this.#maxMessageBytes = maxMessageBytes;
    // There are senders, nodemailer 7 among them, that pass the failure of a source on by `emit`, and destroy nothing.
    this.once(errorMonitor, () => this.destroy());
    if (settings.signal !== undefined) addAbortSignal(settings.signal, this);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#take(chunk).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#finish().then(() => callback(), callback);
  }

  override _read(): void {
    if (this.#output === undefined || this.#reading) return;
    this.#reading = true;
    this.#push(this.#output).catch((error: unknown) => this.destroy(asError(error)));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#spool.close().then(
      () => callback(error),
      (failure: unknown) => callback(error ?? asError(failure)),
    );
  }

  async #take(chunk: Uint8Array): Promise<void> {
    this.#byteLength += chunk.length;
    if (this.#byteLength > this.#maxMessageBytes) {
      throw new DkimSigningError('message-too-large', `The message is larger than ${this.#maxMessageBytes} bytes.`);
    }
    await this.#hold(this.#signing.write(chunk));
  }

  /** Once the message is refused, nothing more of it needs to be held. */
  async #hold(bytes: Uint8Array | undefined): Promise<void> {
    if (bytes === undefined) await this.#sign();
    else await this.#spool.write(bytes);
  }

  async #finish(): Promise<void> {
    const missing = this.#signing.finish();
    if (missing !== undefined) await this.#spool.write(missing);
    await this.#sign();
  }

  async #sign(): Promise<void> {
    const signed = await this.#signing.sign();
    if (!signed.ok) throw new DkimSigningError(signed.fault, signed.detail);
    const { header } = signed;
    const spool = this.#spool;
    this.#output = (async function* () {
      yield Buffer.from(header, 'latin1');
      yield* spool.read();
    })();
    this._read();
  }

  async #push(output: AsyncIterator<Uint8Array>): Promise<void> {
    for (;;) {
      const { done, value } = await output.next();
      if (this.destroyed) return;
      if (done) {
        this.push(null);
        return;
      }
      if (this.push(value)) continue;
      this.#reading = false;
      return;
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
