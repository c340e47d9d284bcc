import type { IpAddress } from './ip-address.ts';

const PERCENT = 0x25;
const HYPHEN = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const UNDERSCORE = 0x5f;
const SMALL_A = 0x61;
const SMALL_F = 0x66;
/** Set in a small ASCII letter and not in the capital one. */
const SMALL = 0x20;

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const LONGEST_IPV6 = 45;
/** Interface names have at most 15 bytes on Linux; elsewhere they are longer or plain numbers. */
const LONGEST_ZONE = 64;

/** The dotted quad that fills `text` from `start` to `end`, as an unsigned 32-bit number; -1 when it is none. */
function scanQuad(text: string, start: number, end: number): number {
  let quad = 0;
  let dots = 0;
  // -1: no digit yet
  let octet = -1;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (octet < 0 || dots === 3) return -1;
      quad = (quad << 8) | octet;
      octet = -1;
      dots++;
    } else {
      const digit = code - ZERO;
      // RFC 6943 §3.1.1: a leading zero means octal to some and nothing to others, so no digit may follow it.
      if (digit < 0 || digit > 9 || octet === 0) return -1;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return -1;
    }
  }
  return dots === 3 && octet >= 0 ? ((quad << 8) | octet) >>> 0 : -1;
}

/** How many 16-bit groups stand from `start` to `end`, if they are well formed; an embedded IPv4 address is two. */
function countGroups(text: string, start: number, end: number): number {
  let groups = 1;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) groups++;
    else if (code === DOT) return groups + 1;
  }
  return groups;
}

/** Whether `text` from `start` on can be a zone id (RFC 4007 §11.2): the name or number of an interface. */
function isZoneId(text: string, start: number): boolean {
  if (start === text.length || text.length - start > LONGEST_ZONE) return false;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const letter = (code | SMALL) - SMALL_A;
    const word = (letter >= 0 && letter < 26) || (code >= ZERO && code <= COLON);
    if (!word && code !== HYPHEN && code !== DOT && code !== UNDERSCORE) return false;
  }
  return true;
}

/** RFC 4291 §2.2, all three forms. `end` is where the address ends: the text's end or the `%` of a zone id. */
function scanIpv6(text: string, end: number): IpAddress | undefined {
  if (end > LONGEST_IPV6) return undefined;
  let word0 = 0;
  let word1 = 0;
  let word2 = 0;
  let word3 = 0;
  let at = 0;
  // The index of the group that comes next; 8 when all are there.
  let group = 0;
  let compressed = false;
  for (;;) {
    // Here a group starts, or a `::` whose first colon was not the separator behind a group.
    if (text.charCodeAt(at) === COLON) {
      if (compressed) return undefined;
      if (group === 0) {
        if (text.charCodeAt(1) !== COLON) return undefined;
        at = 1;
      }
      compressed = true;
      at++;
      // `::` stands for one or more groups.
      const next = at === end ? 8 : 8 - countGroups(text, at, end);
      if (next <= group) return undefined;
      group = next;
      if (at === end) break;
    }

    const start = at;
    let value = 0;
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code >= ZERO && code < COLON) {
        value = (value << 4) | (code - ZERO);
      } else {
        const letter = code | SMALL;
        if (letter < SMALL_A || letter > SMALL_F) break;
        value = (value << 4) | (letter - SMALL_A + 10);
      }
    }
    const digits = at - start;
    if (digits === 0 || digits > 4) return undefined;
    if (at < end && text.charCodeAt(at) === DOT) {
      if (group !== 6) return undefined;
      const quad = scanQuad(text, start, end);
      if (quad < 0) return undefined;
      word3 = quad;
      break;
    }

    const shifted = group & 1 ? value : value << 16;
    if (group < 2) word0 |= shifted;
    else if (group < 4) word1 |= shifted;
    else if (group < 6) word2 |= shifted;
    else if (group < 8) word3 |= shifted;
    else return undefined;
    group++;

    if (at === end) {
      if (group !== 8) return undefined;
      break;
    }
    if (text.charCodeAt(at) !== COLON) return undefined;
    at++;
    if (at === end) return undefined;
  }
  word2 >>>= 0;
  const family = word0 === 0 && word1 === 0 && word2 === 0xffff ? 4 : 6;
  return { family, word0: word0 >>> 0, word1: word1 >>> 0, word2, word3: word3 >>> 0 };
}

/**
 * The address that `text` is, or `undefined` when it is none. Strict, as `inet_pton` is: a dotted quad of decimals without
 * leading zeros, or the IPv6 text of RFC 4291 §2.2 (any case, `::`, embedded IPv4). No surrounding space, no brackets, no
 * prefix length. An IPv4-mapped IPv6 address is the IPv4 address.
 *
 * A zone id is taken behind a link-local unicast address only, and left out of the result: sockets write such clients as
 * `fe80::1%eth0`, and without it the address could not be judged at all (RFC 4007 §11). `parseCidr` refuses it.
 *
 * One pass over at most 45 characters (and 64 of a zone id); never throws on a string.
 *
 * @example
 * ```ts
 * import { parseIp } from '@postern/core';
 *
 * parseIp('::ffff:192.0.2.1'); // { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: 0xc0000201 }
 * parseIp('192.0.2.01'); // undefined
 * ```
 */
export function parseIp(text: string): IpAddress | undefined {
  const quad = scanQuad(text, 0, text.length);
  if (quad >= 0) return { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: quad };
  // Only `f` can begin a link-local address, so others need not be searched for a zone id.
  if ((text.charCodeAt(0) | SMALL) !== SMALL_F) return scanIpv6(text, text.length);
  let end = 0;
  while (end < text.length && end <= LONGEST_IPV6 && text.charCodeAt(end) !== PERCENT) end++;
  const ip = scanIpv6(text, end);
  if (ip === undefined || end === text.length) return ip;
  // RFC 4291 §2.5.6: fe80::/10.
  return ip.word0 >>> 22 === 0x3fa && text.charCodeAt(end) === PERCENT && isZoneId(text, end + 1) ? ip : undefined;
}
