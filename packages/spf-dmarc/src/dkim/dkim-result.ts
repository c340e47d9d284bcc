/**
 * The results of RFC 8601 §2.7.1.
 *
 * - `none`: the message has no signature.
 * - `pass`: the signature holds.
 * - `fail`: it does not: what was signed was altered, or another key signed.
 * - `policy`: it holds or may hold, and is not acceptable here, as with an RSA key of less than 1024 bits (RFC 8301 §3.2).
 * - `neutral`: it could not be judged, and says so by its own fault.
 * - `temperror`: DNS failed for now. Neither pass nor fail.
 * - `permerror`: it can never be judged: a missing or revoked key, a required tag that is absent.
 */
export type DkimResult = 'none' | 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror';
