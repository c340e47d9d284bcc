/**
 * An address as four unsigned 32-bit words, most significant first. An IPv4 address stands where RFC 4291 §2.5.5.2 maps
 * it, at `::ffff:0:0/96` (`word2` is 0xffff, `word3` the address), so that one comparison serves both families, and
 * `::ffff:192.0.2.1` is `192.0.2.1` everywhere. Four words instead of a BigInt or bytes: integer arithmetic without
 * allocation on the paths that every connection takes.
 */
export interface IpAddress {
  /** 4 also for an IPv4-mapped IPv6 address. */
  readonly family: 4 | 6;
  readonly word0: number;
  readonly word1: number;
  readonly word2: number;
  readonly word3: number;
}
