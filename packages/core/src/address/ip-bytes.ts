import type { IpAddress } from './ip-address.ts';

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

/**
 * The address in network byte order at `offset`, as A and AAAA records carry it. An IPv4-mapped IPv6 address is the IPv4
 * address. `undefined` when `length` is neither 4 nor 16, or when the bytes end before.
 *
 * @param offset - where the address starts; default 0
 * @param length - how many bytes it has; default all from `offset` on
 */
export function ipFromBytes(
  bytes: Uint8Array,
  offset: number = 0,
  length: number = bytes.length - offset,
): IpAddress | undefined {
  if (offset < 0 || offset + length > bytes.length) return undefined;
  if (length === 4) return { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: wordAt(bytes, offset) };
  if (length !== 16) return undefined;
  const word0 = wordAt(bytes, offset);
  const word1 = wordAt(bytes, offset + 4);
  const word2 = wordAt(bytes, offset + 8);
  const family = word0 === 0 && word1 === 0 && word2 === 0xffff ? 4 : 6;
  return { family, word0, word1, word2, word3: wordAt(bytes, offset + 12) };
}
