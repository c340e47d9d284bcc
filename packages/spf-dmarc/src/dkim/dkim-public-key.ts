import { createPublicKey, type KeyObject } from 'node:crypto';
import type { DkimKeyRecord } from './dkim-key-record.ts';

/**
 * What became of building a key.
 *
 * - `revoked`: the record has an empty `p=` (RFC 6376 §3.6.1).
 * - `unreadable`: the bytes are no key of the type that the record names.
 * - `too-large`: RSA of more than 8,192 bits: checking it would take too long.
 * - `unusable`: a key, but nothing that it says would mean anything, or checking it would take too long: RSA with an exponent
 *   that is even, 1, or of more than 64 bits; an Ed25519 point of small order.
 */
export type DkimPublicKey =
  | {
      readonly ok: true;
      readonly key: KeyObject;
      /** Of the modulus for RSA; 256 for Ed25519. */
      readonly bits: number;
      /** How the bytes were laid out: a SubjectPublicKeyInfo, a bare RSAPublicKey (PKCS #1), or an Ed25519 key as it is. */
      readonly format: 'spki' | 'pkcs1' | 'raw';
    }
  | {
      readonly ok: false;
      readonly fault: 'revoked' | 'unreadable' | 'too-large' | 'unusable';
      readonly detail: string;
    };

const LARGEST_RSA_BITS = 8_192;
/** OpenSSL holds keys of more than 3,072 bits to the same bound; below, a check would take as long as a signature. */
const LARGEST_EXPONENT = 2n ** 64n;
/** RFC 8410 §4: what stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo. */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_BYTES = 32;
/** RFC 8032 §5.1: the field of the curve. */
const FIELD = 2n ** 255n - 19n;

/**
 * Builds the key that a record publishes, ready for `crypto.verify`. For RSA the RFC's text names a bare RSAPublicKey and
 * its examples a SubjectPublicKeyInfo (RFC 6376 §3.6.1, erratum 3017); both are taken. Ed25519 keys are 32 bytes without
 * wrapping (RFC 8463 §4). How short a key may be is for the caller to say.
 *
 * It costs more than a signature check: keep what comes out. Never throws.
 */
export function publicKeyOf(record: DkimKeyRecord): DkimPublicKey {
  if (record.keyData.length === 0) return { ok: false, fault: 'revoked', detail: 'the key has been revoked' };
  return record.keyType === 'rsa' ? rsaKey(record.keyData) : ed25519Key(record.keyData);
}

function rsaKey(bytes: Uint8Array): DkimPublicKey {
  const format = isBareRsaKey(bytes) ? 'pkcs1' : 'spki';
  const key = readKey(bytes, format);
  const details = key?.asymmetricKeyDetails;
  if (key?.asymmetricKeyType !== 'rsa' || details?.modulusLength === undefined) {
    return { ok: false, fault: 'unreadable', detail: 'p= holds no RSA key' };
  }
  const { modulusLength: bits, publicExponent = 0n } = details;
  if (bits > LARGEST_RSA_BITS) {
    return { ok: false, fault: 'too-large', detail: `the RSA key has ${bits} bits, more than ${LARGEST_RSA_BITS}` };
  }
  if (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent >= LARGEST_EXPONENT) {
    return { ok: false, fault: 'unusable', detail: 'the exponent of the RSA key is even, 1, or of more than 64 bits' };
  }
  return { ok: true, key, bits, format };
}

function ed25519Key(bytes: Uint8Array): DkimPublicKey {
  const key = bytes.length === ED25519_BYTES ? readKey(Buffer.concat([ED25519_PREFIX, bytes]), 'spki') : undefined;
  if (key === undefined) {
    const detail = `an Ed25519 key has ${ED25519_BYTES} bytes, p= holds ${bytes.length}`;
    return { ok: false, fault: 'unreadable', detail };
  }
  if (hasSmallOrder(bytes)) {
    const detail = 'the Ed25519 key is a point of small order, under which anybody can sign';
    return { ok: false, fault: 'unusable', detail };
  }
  return { ok: true, key, bits: 256, format: 'raw' };
}

/**
 * Whether the order of the point is 1, 2, 4 or 8: then one signature in eight at least holds that was made without any key,
 * and OpenSSL before 3.5 accepts it. By its coordinate y alone, which RFC 8032 §5.1.2 writes in 255 bits from the lowest byte
 * on: 1 and -1 are of order 1 and 2, 0 is of 4. Twice a point of order 8 is one of order 4, so its x² is -y² by the law of
 * addition (§5.1.4), which put into the curve -x² + y² = 1 + d·x²·y², with d = -121665/121666, leaves d·y⁴ + 2·y² = 1.
 */
function hasSmallOrder(bytes: Uint8Array): boolean {
  const y = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`) & (2n ** 255n - 1n);
  const square = (y * y) % FIELD;
  if (square === 0n || square === 1n) return true;
  return (121_666n * (2n * square - 1n) - 121_665n * square * square) % FIELD === 0n;
}

/** RSAPublicKey is a sequence of two integers, SubjectPublicKeyInfo one of a sequence and a bit string. */
function isBareRsaKey(bytes: Uint8Array): boolean {
  const length = bytes[1] ?? 0;
  // X.690 §8.1.3: behind a length byte of 0x80 and more stand as many length bytes as its low bits say.
  const inside = length < 0x80 ? 2 : 2 + (length & 0x7f);
  return bytes[0] === 0x30 && bytes[inside] === 0x02;
}

function readKey(bytes: Uint8Array, type: 'spki' | 'pkcs1'): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(bytes), format: 'der', type });
  } catch {
    // Its bytes are a stranger's: OpenSSL says why in its own words, which would help nobody.
    return undefined;
  }
}
