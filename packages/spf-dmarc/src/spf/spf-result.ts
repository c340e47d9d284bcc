/**
 * The results of RFC 7208 §2.6, as RFC 8601 §2.7.2 writes them.
 *
 * - `none`: no record, or no name to look one up for. Nothing is known.
 * - `neutral`: the owner says nothing about this host (`?all`, or no term matched).
 * - `pass`: the host may send for the domain.
 * - `fail`: it may not (`-all`).
 * - `softfail`: it probably may not (`~all`).
 * - `temperror`: DNS failed for now. Neither pass nor fail.
 * - `permerror`: the record cannot be read or asks for too much. Neither pass nor fail.
 */
export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror';
