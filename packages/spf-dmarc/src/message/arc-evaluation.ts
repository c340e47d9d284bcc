import type { MethodResult } from '@postern/core';

/**
 * What an Authenticated Received Chain comes to (RFC 8617 §5.2).
 *
 * - `none`: the message has no ARC fields.
 * - `pass`: the newest signature of the message and every seal hold.
 * - `fail`: one of them does not, or the chain is not well-formed or beyond a bound.
 * - `temperror`: DNS failed for now, so that neither is known. RFC 8617 has no word for it, and none is written into
 *   Authentication-Results.
 */
export type ArcResult = 'none' | 'pass' | 'fail' | 'temperror';

/** One host that passed the message on, and what it says that it saw. Nobody vouches for any of it unless the chain passes. */
export interface ArcSet {
  /** `i=`, from 1 on. */
  readonly instance: number;
  /** `d=` of its seal: who vouches; lower case, A-labels. `''` when there is none. */
  readonly sealer: string;
  /** `s=` of its seal. */
  readonly selector: string;
  /** Who did the checking, by its ARC-Authentication-Results. */
  readonly authservId: string | undefined;
  /** What it found when the message came to it. */
  readonly results: readonly MethodResult[];
}

/** What the ARC fields of a message come to. Plain JSON. */
export interface ArcEvaluation {
  readonly result: ArcResult;
  /** One sentence for a person. */
  readonly summary: string;
  /** The sets, the oldest first. Empty unless the chain was looked at. */
  readonly sets: readonly ArcSet[];
  /** Who sealed last and so vouches for the chain; `undefined` unless it passes. */
  readonly sealer: string | undefined;
}
