import { type Cidr, cidrContains, type IpAddress, networkOf } from '@postern/core';

/** Addresses of one family, as prefixes that do not overlap. */
export type CidrRegion = readonly Cidr[];

/** The address with one bit changed; `bit` is counted in its own family. */
function flip(ip: IpAddress, bit: number): IpAddress {
  const at = ip.family === 4 ? bit + 96 : bit;
  const mask = 1 << (31 - (at & 31));
  const word = at >> 5;
  return {
    family: ip.family,
    word0: word === 0 ? (ip.word0 ^ mask) >>> 0 : ip.word0,
    word1: word === 1 ? (ip.word1 ^ mask) >>> 0 : ip.word1,
    word2: word === 2 ? (ip.word2 ^ mask) >>> 0 : ip.word2,
    word3: word === 3 ? (ip.word3 ^ mask) >>> 0 : ip.word3,
  };
}

/** All addresses of the family outside of the prefix: one prefix a bit. */
export function complement({ network, prefixLength }: Cidr): CidrRegion {
  const region: Cidr[] = [];
  for (let bit = 0; bit < prefixLength; bit++) {
    region.push({ network: networkOf(flip(network, bit), bit + 1), prefixLength: bit + 1 });
  }
  return region;
}

/** What is in both. Of two prefixes, one contains the other or they have nothing in common. */
export function intersect(one: CidrRegion, other: CidrRegion): CidrRegion {
  const region: Cidr[] = [];
  for (const a of one) {
    for (const b of other) {
      const narrow = a.prefixLength >= b.prefixLength ? a : b;
      if (cidrContains(narrow === a ? b : a, narrow.network)) region.push(narrow);
    }
  }
  return region;
}
