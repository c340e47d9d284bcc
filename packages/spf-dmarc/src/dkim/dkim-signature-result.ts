import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import type { DkimResult } from './dkim-result.ts';

/**
 * Why a signature has its result.
 *
 * - `verified` (pass): key and signature fit what was signed.
 * - `body-altered`, `body-truncated` (fail): the body is not the one that was signed; it is shorter than `l=` says.
 * - `signature-mismatch` (fail): the signed header fields were altered, or another key signed.
 * - `unsigned-body` (policy): `l=` leaves a part of the body unsigned, and `bodyLength` is `'refuse'`.
 * - `weak-key` (policy): an RSA key of less than 1,024 bits (RFC 8301 §3.2).
 * - `expired`, `not-yet-valid` (policy): `x=` has passed, or `t=` lies in the future, by more than the clock skew.
 * - `syntax` (neutral): the field cannot be read.
 * - `skipped` (neutral): there were more signatures than are looked at.
 * - `missing-tag`, `version`, `algorithm`, `canonicalization`, `query-method`, `identity`, `from-unsigned` (permerror): a
 *   required tag is absent; the field asks for something that no verifier knows, or that RFC 8301 §3.1 forbids
 *   (rsa-sha1); `i=` lies outside of `d=`; `h=` lacks `From`.
 * - `no-key`, `key-revoked`, `key-syntax`, `key-restricted`, `key-type`, `key-size`, `key-unusable` (permerror): there is no
 *   key record; its `p=` is empty; it cannot be read; it is for another service, hash or (`t=s`) identity; its key is of
 *   another kind than the signature; its key is larger than 8,192 bits; its key is RSA with an exponent that is even, 1, or
 *   of more than 64 bits, or an Ed25519 key for which anybody can sign.
 * - `header` (permerror): the header of the message goes beyond a bound; nothing was looked at.
 * - `dns` (temperror): the key could not be looked up for now.
 * - `incomplete` (temperror): the message did not come to its end, or the caller gave up.
 */
export type DkimReason =
  | 'verified'
  | 'body-altered'
  | 'body-truncated'
  | 'signature-mismatch'
  | 'unsigned-body'
  | 'weak-key'
  | 'expired'
  | 'not-yet-valid'
  | 'syntax'
  | 'skipped'
  | 'missing-tag'
  | 'version'
  | 'algorithm'
  | 'canonicalization'
  | 'query-method'
  | 'identity'
  | 'from-unsigned'
  | 'no-key'
  | 'key-revoked'
  | 'key-syntax'
  | 'key-restricted'
  | 'key-type'
  | 'key-size'
  | 'key-unusable'
  | 'header'
  | 'dns'
  | 'incomplete';

/** What one DKIM-Signature field came to. Plain JSON. What could not be read of the field is `''`. */
export interface DkimSignatureResult {
  readonly result: DkimResult;
  readonly reason: DkimReason;
  /** One sentence for a person. */
  readonly detail: string;
  /** `d=`: who takes responsibility for the message; lower case, A-labels. Counts for nothing unless `result` is `pass`. */
  readonly domain: string;
  /** `s=`, lower case, A-labels. */
  readonly selector: string;
  /** `i=`, or without it `@` and `domain`. */
  readonly identity: string;
  /** `a=`, as `rsa-sha256`. */
  readonly algorithm: string;
  /** `c=` of the header and of the body. */
  readonly canonicalization: { readonly header: DkimCanonicalization; readonly body: DkimCanonicalization } | undefined;
  /** `b=` without its white space: tells signatures of one domain apart (RFC 6008). At most 1,368 characters of it. */
  readonly signature: string;
  /** `t=`: seconds since the epoch. */
  readonly signedAt: number | undefined;
  /** `x=`: seconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** `h=`: the names of the signed fields, in lower case and in its order, repeats included. */
  readonly signedFields: readonly string[];
  /** Those names that are in `h=` more often than in the header: no field of such a name was added after signing. */
  readonly oversignedFields: readonly string[];
  /** Bytes of the canonical body that `l=` leaves unsigned: anybody may have added them. 0 without `l=`. */
  readonly unsignedBytes: number;
  /** Bits of the key; `undefined` when none was looked at. */
  readonly keyBits: number | undefined;
  /** The key record says `t=y`: the domain tests DKIM. RFC 6376 §3.6.1: that changes nothing in how mail is treated. */
  readonly testing: boolean;
  /** Whether DNSSEC covered the key record. */
  readonly authentic: boolean;
}
