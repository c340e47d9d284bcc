import type { Cidr, IpAddress } from '@postern/core';

/** Addresses of one family from `first` to `last`, both included, as numbers of 32 or 128 bits. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** A set of addresses of one family: ranges in ascending order, each with a gap before the next. */
export type AddressRanges = readonly AddressRange[];

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/** All addresses of the family. Those of IPv6 include the IPv4-mapped ones, which no IPv6 client has. */
export function everyAddress(family: 4 | 6): AddressRanges {
  return [{ first: 0n, last: (1n << BigInt(bitsOf(family))) - 1n }];
}

function toBigInt({ family, word0, word1, word2, word3 }: IpAddress): bigint {
  if (family === 4) return BigInt(word3);
  return (BigInt(word0) << 96n) | (BigInt(word1) << 64n) | (BigInt(word2) << 32n) | BigInt(word3);
}

function wordOf(value: bigint, shift: bigint): number {
  return Number((value >> shift) & 0xffffffffn);
}

function toIp(value: bigint, family: 4 | 6): IpAddress {
  const word3 = wordOf(value, 0n);
  if (family === 4) return { family, word0: 0, word1: 0, word2: 0xffff, word3 };
  return { family, word0: wordOf(value, 96n), word1: wordOf(value, 64n), word2: wordOf(value, 32n), word3 };
}

/** The addresses of a network. */
export function rangeOf({ network, prefixLength }: Cidr): AddressRange {
  const first = toBigInt(network);
  return { first, last: first + (1n << BigInt(bitsOf(network.family) - prefixLength)) - 1n };
}

/** The set of all addresses in the ranges, which may stand in any order and overlap. */
export function mergeRanges(ranges: readonly AddressRange[]): AddressRanges {
  const sorted = ranges.toSorted((one, other) => (one.first < other.first ? -1 : one.first > other.first ? 1 : 0));
  const merged: AddressRange[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) merged[merged.length - 1] = { first: before.first, last: range.last };
  }
  return merged;
}

/** Parts a set into what stands in the other set and what does not. Linear in the number of ranges of both. */
export function splitRanges(
  ranges: AddressRanges,
  by: AddressRanges,
): { readonly inside: AddressRanges; readonly outside: AddressRanges } {
  const inside: AddressRange[] = [];
  const outside: AddressRange[] = [];
  let at = 0;
  for (const { first, last } of ranges) {
    // What stands before `from` has been dealt with.
    let from = first;
    for (let cut = by[at]; cut !== undefined && cut.first <= last; cut = by[at]) {
      if (cut.first > from) {
        outside.push({ first: from, last: cut.first - 1n });
        from = cut.first;
      }
      if (cut.last > last) {
        inside.push({ first: from, last });
        from = last + 1n;
        // The next range may begin within this cut.
        break;
      }
      if (cut.last >= from) {
        inside.push({ first: from, last: cut.last });
        from = cut.last + 1n;
      }
      at++;
    }
    if (from <= last) outside.push({ first: from, last });
  }
  return { inside, outside };
}

/** How many addresses the set has. */
export function countAddresses(ranges: AddressRanges): bigint {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}

/** The fewest networks that together are the set, in ascending order: the first `most` of them. */
export function toCidrs(
  ranges: AddressRanges,
  family: 4 | 6,
  most: number = Number.POSITIVE_INFINITY,
): readonly Cidr[] {
  const bits = bitsOf(family);
  const cidrs: Cidr[] = [];
  for (const { first, last } of ranges) {
    let start = first;
    // The networks grow to the widest and shrink again, so that all steps of a range together are a few hundred.
    let free = 0;
    const fits = (width: bigint): boolean => (start & (width - 1n)) === 0n && start + width - 1n <= last;
    while (start <= last && cidrs.length < most) {
      while (free < bits && fits(1n << BigInt(free + 1))) free++;
      while (!fits(1n << BigInt(free))) free--;
      cidrs.push({ network: toIp(start, family), prefixLength: bits - free });
      start += 1n << BigInt(free);
    }
  }
  return cidrs;
}
