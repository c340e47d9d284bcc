import type { IpAddress } from './ip-address.ts';

/** The 16-bit group of `index` 0 to 7. */
function groupOf(ip: IpAddress, index: number): number {
  const word = index < 4 ? (index < 2 ? ip.word0 : ip.word1) : index < 6 ? ip.word2 : ip.word3;
  return index & 1 ? word & 0xffff : word >>> 16;
}

/**
 * The text of an address: a dotted quad, or IPv6 as RFC 5952 §4 writes it: lower case, no leading zeros, and `::` for the
 * longest run of two or more zero groups, the first one of equals. Embedded IPv4 other than IPv4-mapped stays hexadecimal.
 */
export function formatIp(ip: IpAddress): string {
  if (ip.family === 4) {
    const quad = ip.word3;
    return `${quad >>> 24}.${(quad >>> 16) & 0xff}.${(quad >>> 8) & 0xff}.${quad & 0xff}`;
  }

  let longestStart = 8;
  // RFC 5952 §4.2.2: one zero group alone is not shortened.
  let longestLength = 1;
  let length = 0;
  for (let index = 0; index < 8; index++) {
    length = groupOf(ip, index) === 0 ? length + 1 : 0;
    if (length > longestLength) {
      longestLength = length;
      longestStart = index + 1 - length;
    }
  }

  let text = '';
  for (let index = 0; index < 8; index++) {
    if (index === longestStart) {
      text += '::';
      index += longestLength - 1;
    } else {
      if (index !== 0 && index !== longestStart + longestLength) text += ':';
      text += groupOf(ip, index).toString(16);
    }
  }
  return text;
}
