import { hash, type KeyObject, verify } from 'node:crypto';

/** RSA keys of more bits are checked by a thread of the pool. */
const LONGEST_HERE = 2_048;

/**
 * Whether the signature was made over these bytes with this key.
 *
 * A check with RSA of 2,048 bits takes 40 µs; to hand it to a thread of the pool and to take it back costs the main thread
 * about as much. Larger keys (140 µs for 4,096 bits, 480 µs for 8,192) and Ed25519 (250 µs) go there. Never throws.
 */
export function checkSignature(
  bytes: Uint8Array,
  key: KeyObject,
  bits: number,
  signature: Uint8Array,
): boolean | Promise<boolean> {
  const rsa = key.asymmetricKeyType === 'rsa';
  if (rsa && bits <= LONGEST_HERE) {
    try {
      return verify('sha256', bytes, key, signature);
    } catch {
      // OpenSSL refuses what it cannot use at all, such as an even modulus.
      return false;
    }
  }
  // RFC 8463 §3: Ed25519 signs the hash, not the bytes. Its own hash is SHA-512, and part of it.
  const signed = rsa ? bytes : hash('sha256', bytes, 'buffer');
  return new Promise((resolve) => {
    try {
      verify(rsa ? 'sha256' : null, signed, key, signature, (error, holds) => resolve(error === null && holds));
    } catch {
      resolve(false);
    }
  });
}
