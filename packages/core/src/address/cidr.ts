import { formatIp } from './format-ip.ts';
import type { IpAddress } from './ip-address.ts';
import { parseIp } from './parse-ip.ts';

const ZERO = 0x30;

/** A network: all addresses of one family that share their first `prefixLength` bits. */
export interface Cidr {
  /** Its first address: the bits behind the prefix are zero. */
  readonly network: IpAddress;
  /** Bits, counted in the network's own family: 0 to 32, or 0 to 128. */
  readonly prefixLength: number;
}

/**
 * `zone-id`: an interface name in a list that other machines may read would say something else there.
 * `bad-prefix-length`: not a plain decimal number, or more bits than the family has; netmasks such as `/255.0.0.0` too.
 */
export type CidrFault = 'not-an-address' | 'zone-id' | 'bad-prefix-length';

/** What `parseCidr` read, or why it could not. */
export type CidrResult =
  | {
      readonly ok: true;
      readonly cidr: Cidr;
      /** The text named an address inside the network, such as `192.0.2.1/24`: perhaps a typing error, worth a report. */
      readonly hostBitsSet: boolean;
    }
  | { readonly ok: false; readonly reason: CidrFault };

/** The bits of the 32-bit word that starts at bit `start` which a prefix of `bits` bits covers. */
function maskAt(start: number, bits: number): number {
  const covered = bits - start;
  return covered >= 32 ? -1 : covered <= 0 ? 0 : -1 << (32 - covered);
}

/** The prefix length in an `IpAddress`'s four words, where IPv4 stands behind 96 fixed bits. */
function bitsOf(ip: IpAddress, prefixLength: number): number {
  return ip.family === 4 ? 96 + prefixLength : prefixLength;
}

/** A decimal number without sign or leading zero up to `most`, that fills `text` from `start`; -1 when it is none. */
function scanLength(text: string, start: number, most: number): number {
  const digits = text.length - start;
  if (digits < 1 || digits > 3 || (digits > 1 && text.charCodeAt(start) === ZERO)) return -1;
  let length = 0;
  for (let at = start; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length <= most ? length : -1;
}

/**
 * The network of `prefixLength` bits that the address stands in: its first address.
 *
 * @param prefixLength - 0 to 32 for IPv4, 0 to 128 for IPv6; anything else throws a `RangeError`
 */
export function networkOf(ip: IpAddress, prefixLength: number): IpAddress {
  const most = ip.family === 4 ? 32 : 128;
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > most) {
    throw new RangeError(`networkOf: prefixLength must be a whole number from 0 to ${most}, got ${prefixLength}`);
  }
  const bits = bitsOf(ip, prefixLength);
  return {
    family: ip.family,
    word0: (ip.word0 & maskAt(0, bits)) >>> 0,
    word1: (ip.word1 & maskAt(32, bits)) >>> 0,
    word2: (ip.word2 & maskAt(64, bits)) >>> 0,
    word3: (ip.word3 & maskAt(96, bits)) >>> 0,
  };
}

/**
 * Reads `address/length` (RFC 4632 §3.1, RFC 4291 §2.3). A bare address is a network of one. Bits behind the prefix are
 * cleared and reported. Never throws on a string.
 *
 * IPv4-mapped prefixes are IPv4: `::ffff:192.0.2.0/120` is `192.0.2.0/24`. One shorter than 96 bits begins outside the
 * mapped block and is refused as `bad-prefix-length`. `::/0` is all of IPv6 and nothing of IPv4.
 *
 * @example
 * ```ts
 * import { cidrContains, parseCidr, parseIp } from '@postern/core';
 *
 * const office = parseCidr('192.0.2.0/24');
 * const client = parseIp('::ffff:192.0.2.77');
 * if (office.ok && client !== undefined) console.log(cidrContains(office.cidr, client)); // true
 * ```
 */
export function parseCidr(text: string): CidrResult {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const ip = parseIp(address);
  if (ip === undefined) return { ok: false, reason: 'not-an-address' };
  if (address.includes('%')) return { ok: false, reason: 'zone-id' };

  const most = ip.family === 4 ? 32 : 128;
  let prefixLength = most;
  if (slash >= 0) {
    // An IPv4 address in IPv6 clothes has its length counted in those.
    const mapped = ip.family === 4 && address.includes(':');
    prefixLength = scanLength(text, slash + 1, mapped ? 128 : most) - (mapped ? 96 : 0);
    if (prefixLength < 0) return { ok: false, reason: 'bad-prefix-length' };
  }
  const network = networkOf(ip, prefixLength);
  return {
    ok: true,
    cidr: { network, prefixLength },
    hostBitsSet:
      network.word3 !== ip.word3 ||
      network.word2 !== ip.word2 ||
      network.word1 !== ip.word1 ||
      network.word0 !== ip.word0,
  };
}

/** Whether the address stands in the network. An IPv6 network never contains an IPv4 address, nor the other way round. */
export function cidrContains(cidr: Cidr, ip: IpAddress): boolean {
  const { network } = cidr;
  if (network.family !== ip.family) return false;
  const bits = bitsOf(network, cidr.prefixLength);
  return (
    ((network.word3 ^ ip.word3) & maskAt(96, bits)) === 0 &&
    ((network.word0 ^ ip.word0) & maskAt(0, bits)) === 0 &&
    ((network.word1 ^ ip.word1) & maskAt(32, bits)) === 0 &&
    ((network.word2 ^ ip.word2) & maskAt(64, bits)) === 0
  );
}

/** `192.0.2.0/24`, `2001:db8::/32`; always with its length. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.network)}/${cidr.prefixLength}`;
}
