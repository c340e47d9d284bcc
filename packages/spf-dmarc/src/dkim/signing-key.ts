import { createPrivateKey, KeyObject } from 'node:crypto';

/** A private key as text (PEM), as bytes (DER: PKCS #8, or PKCS #1 for RSA; or PEM), or as Node holds it. */
export type DkimPrivateKey = string | Uint8Array | KeyObject;

/** The algorithms of RFC 8301 and RFC 8463 that sign. */
export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256';

/** A private key that can sign, and how. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: DkimAlgorithm;
}

/** RFC 8301 §3.2: signers use at least 1,024 bits, and should use 2,048. */
const SMALLEST_RSA_BITS = 1_024;
/** What the verifier of this package takes; RFC 6376 §3.3.3 asks of verifiers no more than 2,048, RFC 8301 4,096. */
const LARGEST_RSA_BITS = 8_192;

/** Whether a value, of which nothing is known, may be a private key. */
export function isPrivateKeyInput(value: unknown): value is DkimPrivateKey {
  return typeof value === 'string' || value instanceof Uint8Array || value instanceof KeyObject;
}

/**
 * Reads a private key. Nothing of it stands in an error.
 *
 * @param owner - whose key, for the error
 * @throws TypeError when it is no private key of RSA or Ed25519
 * @throws RangeError when it is RSA of less than 1,024 bits, or of more than 8,192
 */
export function readSigningKey(owner: string, input: DkimPrivateKey): SigningKey {
  const key = input instanceof KeyObject ? input : parsed(input);
  if (key === undefined || key.type !== 'private') {
    throw new TypeError(`${owner}: option "key" must be a private key that is not encrypted, as PEM, DER or KeyObject`);
  }
  if (key.asymmetricKeyType === 'ed25519') return { key, algorithm: 'ed25519-sha256' };
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (key.asymmetricKeyType !== 'rsa' || bits === undefined) {
    throw new TypeError(`${owner}: option "key" must be a key of RSA or Ed25519, got ${key.asymmetricKeyType}`);
  }
  if (bits < SMALLEST_RSA_BITS || bits > LARGEST_RSA_BITS) {
    const range = `${SMALLEST_RSA_BITS} to ${LARGEST_RSA_BITS}`;
    throw new RangeError(`${owner}: option "key" must have ${range} bits when it is of RSA, got ${bits}`);
  }
  return { key, algorithm: 'rsa-sha256' };
}

function parsed(input: string | Uint8Array): KeyObject | undefined {
  if (typeof input === 'string') return attempt(() => createPrivateKey(input));
  const key = Buffer.from(input.buffer, input.byteOffset, input.length);
  return (
    attempt(() => createPrivateKey({ key, format: 'der', type: 'pkcs8' })) ??
    attempt(() => createPrivateKey({ key, format: 'der', type: 'pkcs1' })) ??
    attempt(() => createPrivateKey(key))
  );
}

function attempt(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    // OpenSSL's words tell nobody what to do; what was expected stands in our own error.
    return undefined;
  }
}
