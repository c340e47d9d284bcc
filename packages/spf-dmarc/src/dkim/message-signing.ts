import { createHash, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock, HeaderEdit, HeaderFields } from '@postern/core';
import { BodyHash } from './body-canonicalization.ts';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import type { PlannedSignature } from './dkim-signatures.ts';
import { selectSignedFields, signedHeaderBytes } from './header-canonicalization.ts';
import { formatSignedField, formatUnsignedField } from './signature-field-format.ts';
import { signedNames } from './signed-names.ts';
import type { DkimAlgorithm } from './signing-key.ts';

/** One signature that was made. */
export interface DkimSignature {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  /** The names in `h=`: lower case, repeats included. */
  readonly signedFields: readonly string[];
  /** The whole `DKIM-Signature` field with its CRLF, to be put before the message. */
  readonly field: string;
  /** The same as a change that the gateway makes. */
  readonly headerEdit: HeaderEdit;
}

/**
 * Why a message is not signed.
 *
 * - `no-from`, `several-from`: RFC 5322 §3.6 asks for one `From` field, RFC 6376 §5.4 for its being signed. Who signs a
 *   message of two authors vouches for whichever a reader sees.
 * - `broken-header`: a line of the header is no field. Some readers take it for the end of the header, some do not.
 * - `header-too-large`: it goes beyond a bound of the header parser.
 * - `bare-line-feed`, `bare-carriage-return`: an LF or a CR stands alone. What goes over the wire would be another message
 *   than the one that is signed, or two messages.
 * - `incomplete`: the message did not come to its end, or the caller gave up.
 */
export type DkimSigningFault =
  | 'no-from'
  | 'several-from'
  | 'broken-header'
  | 'header-too-large'
  | 'bare-line-feed'
  | 'bare-carriage-return'
  | 'incomplete';

/** What became of signing a message. */
export type DkimSigning =
  | {
      readonly ok: true;
      /** In the order of the options. */
      readonly signatures: readonly DkimSignature[];
      /** All their fields, to be put before the message. */
      readonly header: string;
    }
  | { readonly ok: false; readonly fault: DkimSigningFault /** One sentence for a person. */; readonly detail: string };

/** In the thread pool: an RSA signature takes as long as the rest of a hundred messages. */
const signAside: (algorithm: string, bytes: Uint8Array, key: KeyObject) => Promise<Buffer> = promisify(sign);

/** The signatures of one message while it passes. `header` first, once; then `write` for its body; then `end`. */
export class MessageSigning {
  readonly #signatures: readonly PlannedSignature[];
  readonly #clock: Clock;
  /** One for each canonicalization that a signature asks for. */
  readonly #bodies = new Map<DkimCanonicalization, BodyHash>();
  #header: HeaderFields | undefined;

  constructor(signatures: readonly PlannedSignature[], clock: Clock) {
    this.#signatures = signatures;
    this.#clock = clock;
    for (const { body } of signatures) {
      if (!this.#bodies.has(body)) this.#bodies.set(body, new BodyHash(body));
    }
  }

  header(header: HeaderFields): void {
    this.#header = header;
  }

  /** The chunk may be used again at once. */
  write(chunk: Uint8Array): void {
    for (const body of this.#bodies.values()) body.update(chunk);
  }

  /** The message is complete. */
  async end(): Promise<DkimSigning> {
    const authors = this.#header?.all('from').length ?? 0;
    const header = this.#header;
    if (header === undefined || authors === 0) return refused('no-from', 'The message has no From field.');
    if (authors > 1) return refused('several-from', `The message has ${authors} From fields.`);
    for (const body of this.#bodies.values()) body.end();
    const now = Math.floor(this.#clock.now() / 1_000);
    const signatures = await Promise.all(
      this.#signatures.map((planned) => {
        const bodyHash = this.#bodies.get(planned.body)?.digest();
        if (bodyHash === undefined) throw new Error('MessageSigning: a body was not hashed');
        return makeSignature(planned, header, bodyHash, now);
      }),
    );
    return { ok: true, signatures, header: signatures.map(({ field }) => field).join('') };
  }
}

export function refused(fault: DkimSigningFault, detail: string): DkimSigning {
  return { ok: false, fault, detail };
}

async function makeSignature(
  planned: PlannedSignature,
  header: HeaderFields,
  bodyHash: Uint8Array,
  now: number,
): Promise<DkimSignature> {
  const { domain, selector, algorithm, timestamp, expiresIn } = planned;
  const names = signedNames(header, planned.names, planned.oversign);
  const unsigned = formatUnsignedField({
    algorithm,
    canonicalization: `${planned.header}/${planned.body}`,
    domain,
    selector,
    identity: planned.identity,
    signedAt: timestamp ? now : undefined,
    expiresAt: expiresIn === undefined ? undefined : now + expiresIn,
    signedNames: names,
    bodyHash,
  });
  const { fields } = selectSignedFields(header, names);
  const bytes = signedHeaderBytes(fields, Buffer.from(unsigned.text, 'latin1'), planned.header);
  const field = formatSignedField(unsigned, await signatureOf(bytes, planned));
  const headerEdit: HeaderEdit = {
    action: 'add',
    name: 'DKIM-Signature',
    value: field.slice(field.indexOf(' ') + 1, -2),
  };
  return { domain, selector, algorithm, signedFields: names, field, headerEdit };
}

function signatureOf(bytes: Uint8Array, { algorithm, key }: PlannedSignature): Uint8Array | Promise<Uint8Array> {
  if (algorithm === 'rsa-sha256') return signAside('sha256', bytes, key);
  // RFC 8463 §3: Ed25519 signs the SHA-256 of the header. It takes less time than the way to another thread and back.
  return sign(null, createHash('sha256').update(bytes).digest(), key);
}
