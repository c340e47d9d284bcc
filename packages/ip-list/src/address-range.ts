import type { Cidr, IpAddress } from '@postern/core';

const MAPPED_PREFIX = 0xffffn << 32n;

function ip4Cidr(address: number, prefixLength: number): Cidr {
  return { network: { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: address }, prefixLength };
}

/** Numbers, since lists of IPv4 ranges have millions of lines. */
function ip4Range(first: number, last: number, take: (cidr: Cidr) => void): void {
  let start = first;
  while (start <= last) {
    // As many zero bits as the start ends with, and as the rest has room for.
    let bits = start === 0 ? 32 : 31 - Math.clz32(start & -start);
    while (start + 2 ** bits - 1 > last) bits--;
    take(ip4Cidr(start, 32 - bits));
    start += 2 ** bits;
  }
}

function toBigInt(ip: IpAddress): bigint {
  return (BigInt(ip.word0) << 96n) | (BigInt(ip.word1) << 64n) | (BigInt(ip.word2) << 32n) | BigInt(ip.word3);
}

function wordOf(value: bigint, shift: bigint): number {
  return Number((value >> shift) & 0xffffffffn);
}

function ip6Range(first: bigint, last: bigint, take: (cidr: Cidr) => void): void {
  const fits = (start: bigint, bits: bigint): boolean => {
    const width = 1n << bits;
    return (start & (width - 1n)) === 0n && start + width - 1n <= last;
  };
  let start = first;
  // The prefixes grow to the widest and shrink again, so that all steps together are a few hundred.
  let bits = 0n;
  while (start <= last) {
    while (bits < 128n && fits(start, bits + 1n)) bits++;
    while (!fits(start, bits)) bits--;
    // What an IPv6 range has of ::ffff:0:0/96 is no IPv4: nothing in an IPv6 list is.
    if (start >> 32n !== MAPPED_PREFIX >> 32n || bits > 32n) {
      take({
        network: {
          family: 6,
          word0: wordOf(start, 96n),
          word1: wordOf(start, 64n),
          word2: wordOf(start, 32n),
          word3: wordOf(start, 0n),
        },
        prefixLength: 128 - Number(bits),
      });
    }
    start += 1n << bits;
  }
}

/**
 * The fewest prefixes that together are the addresses from `first` to `last`, both included, in ascending order: at most
 * 62 of IPv4 and 254 of IPv6. `false`, and none, when the ends are of two families or in the wrong order.
 */
export function rangeToCidrs(first: IpAddress, last: IpAddress, take: (cidr: Cidr) => void): boolean {
  if (first.family !== last.family) return false;
  if (first.family === 4) {
    if (first.word3 > last.word3) return false;
    ip4Range(first.word3, last.word3, take);
    return true;
  }
  const start = toBigInt(first);
  const end = toBigInt(last);
  if (start > end) return false;
  ip6Range(start, end, take);
  return true;
}
