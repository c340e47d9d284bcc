import type { IpAddress } from '@postern/core';

const HYPHEN = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;

/** What stands at the beginning of a line of an IPv4 data set, as rbldnsd(8) reads it. */
export interface RbldnsdAddress {
  readonly first: IpAddress;
  readonly last: IpAddress;
  /** The named address lies inside the prefix; `first` is the prefix's. */
  readonly hostBitsSet: boolean;
  /** Where the rest of the line begins. */
  readonly end: number;
}

/** One to four octets, of which those that are not there are zero. */
interface Octets {
  readonly value: number;
  /** 8, 16, 24 or 32. */
  readonly bits: number;
  readonly end: number;
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** A decimal number of at most `most` and where it ends; leading zeros mean nothing, as in rbldnsd. */
function scanNumber(text: string, start: number, most: number): { value: number; end: number } | undefined {
  let value = 0;
  let at = start;
  for (let digit = digitAt(text, at); digit >= 0; digit = digitAt(text, ++at)) {
    value = value * 10 + digit;
    if (value > most) return undefined;
  }
  return at === start ? undefined : { value, end: at };
}

/** Initial octets: `127`, `127.0`, … `127.0.0.1`. */
export function scanOctets(text: string, start: number): Octets | undefined {
  let value = 0;
  let at = start;
  for (let bits = 8; ; bits += 8) {
    const octet = scanNumber(text, at, 255);
    if (octet === undefined) return undefined;
    value = (value | (octet.value << (32 - bits))) >>> 0;
    if (bits === 32 || text.charCodeAt(octet.end) !== DOT) return { value, bits, end: octet.end };
    at = octet.end + 1;
  }
}

/** What a prefix of so many bits leaves free. */
function hostMask(bits: number): number {
  return bits >= 32 ? 0 : bits === 0 ? 0xffffffff : 0xffffffff >>> bits;
}

function ip4(value: number): IpAddress {
  return { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: value >>> 0 };
}

/** The upper end of a range: as many octets as the lower one, or one that replaces its last. What is missing is 255. */
function scanUpper(text: string, start: number, lower: Octets): { value: number; end: number } | undefined {
  const upper = scanOctets(text, start);
  if (upper === undefined) return undefined;
  let { value } = upper;
  if (upper.bits === 8) value = (upper.value >>> (lower.bits - 8)) | (lower.value & ~hostMask(lower.bits - 8));
  else if (upper.bits !== lower.bits) return undefined;
  return { value: (value | hostMask(lower.bits)) >>> 0, end: upper.end };
}

/**
 * rbldnsd(8), "ip4set Dataset": an address, initial octets (`127.0.0` is 127.0.0.0/24), octets with a length (`127/8`), or
 * a range of those (`127.16-127.31`, `127.16-31`). A lone octet is none. `ranges: false` is the ip4trie data set, which
 * has no ranges, and where the length may be 0.
 */
export function scanRbldnsdAddress(
  text: string,
  start: number,
  { ranges }: { readonly ranges: boolean },
): RbldnsdAddress | undefined {
  const octets = scanOctets(text, start);
  if (octets === undefined) return undefined;
  const next = text.charCodeAt(octets.end);
  if (next === HYPHEN) {
    const upper = ranges ? scanUpper(text, octets.end + 1, octets) : undefined;
    if (upper === undefined || octets.value > upper.value) return undefined;
    return { first: ip4(octets.value), last: ip4(upper.value), hostBitsSet: false, end: upper.end };
  }
  let { bits, end } = octets;
  if (next === SLASH) {
    const length = scanNumber(text, end + 1, 32);
    if (length === undefined || (ranges && length.value === 0)) return undefined;
    bits = length.value;
    end = length.end;
  } else if (bits === 8) {
    return undefined;
  }
  const host = hostMask(bits);
  const network = (octets.value & ~host) >>> 0;
  return { first: ip4(network), last: ip4(network | host), hostBitsSet: network !== octets.value, end };
}
