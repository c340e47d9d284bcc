/** What a client's address can get from records alone, before any mail comes. */
export type SpfNetworkResult = 'pass' | 'neutral' | 'softfail' | 'fail' | 'permerror' | 'none';

/** Networks of both families as `address/length`; each list is merged and in ascending order. */
export interface SpfNetworkSet {
  readonly ip4: readonly string[];
  readonly ip6: readonly string[];
}

/** Why the networks are not all that there is to say. */
export interface SpfGap {
  /** Whose record. */
  readonly domain: string;
  /** Which term of it; absent when it is about the whole record. */
  readonly term?: string;
  /**
   * - `depends`: it matches by the message, the client's names or the time
   * - `lookup-failed`: DNS did not answer
   * - `unasked`: a bound of the lint was reached before it
   * - `too-complex`: the records part the addresses into more networks than are counted, and the rest was left out
   */
  readonly reason: 'depends' | 'lookup-failed' | 'unasked' | 'too-complex';
}

/**
 * The addresses of clients by the result that they get. The first match wins, and the limits of RFC 7208 §4.6.4 hold, so
 * that this is what an evaluation comes to. No address stands in two sets. Plain JSON.
 */
export interface SpfNetworks {
  readonly pass: SpfNetworkSet;
  readonly neutral: SpfNetworkSet;
  readonly softfail: SpfNetworkSet;
  readonly fail: SpfNetworkSet;
  /** Clients for which the evaluation ends in an error, such as an eleventh lookup. */
  readonly permerror: SpfNetworkSet;
  /** What all others get. Their networks are not listed, unless they get `pass`. */
  readonly otherwise: { readonly ip4: SpfNetworkResult; readonly ip6: SpfNetworkResult };
  /** Whether this is all: no term depends on more than the address, and every lookup was answered. */
  readonly complete: boolean;
  /** Why it is not: each of these is taken for matching nothing. */
  readonly gaps: readonly SpfGap[];
}
