import type { IpAddress } from './ip-address.ts';

const HEX_DIGITS = '0123456789abcdef';

/** For each byte its two nibbles as labels, low one first, with both dots: 0x1f is `f.1.`. Made on first use. */
let nibbleLabels: readonly string[] | undefined;

function makeNibbleLabels(): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => `${HEX_DIGITS.charAt(byte & 15)}.${HEX_DIGITS.charAt(byte >>> 4)}.`);
}

/** The eight labels of a word, each with its dot. */
function wordLabels(labels: readonly string[], word: number): string {
  return `${labels[word & 255]}${labels[(word >>> 8) & 255]}${labels[(word >>> 16) & 255]}${labels[word >>> 24]}`;
}

/** The labels of the reversed address, the last one without its dot unless `suffix` goes on. */
function reversed(ip: IpAddress, ipv4Suffix: string, ipv6Suffix: string): string {
  if (ip.family === 4) {
    const quad = ip.word3;
    return `${quad & 255}.${(quad >>> 8) & 255}.${(quad >>> 16) & 255}.${quad >>> 24}${ipv4Suffix}`;
  }
  nibbleLabels ??= makeNibbleLabels();
  const low = wordLabels(nibbleLabels, ip.word3) + wordLabels(nibbleLabels, ip.word2);
  const high = wordLabels(nibbleLabels, ip.word1) + wordLabels(nibbleLabels, ip.word0);
  return ipv6Suffix === '' ? low + high.slice(0, -1) : low + high + ipv6Suffix;
}

/**
 * The name of the address's PTR records: `1.2.0.192.in-addr.arpa` (RFC 1035 §3.5), or 32 nibbles under `ip6.arpa`
 * (RFC 3596 §2.5).
 */
export function reverseName(ip: IpAddress): string {
  return reversed(ip, '.in-addr.arpa', 'ip6.arpa');
}

/**
 * What stands before the zone's name in a DNSBL query: four decimal labels (RFC 5782 §2.1), or 32 nibbles (§2.4).
 *
 * @example
 * ```ts
 * import { parseIp, reverseLabels } from '@postern/core';
 *
 * const client = parseIp('192.0.2.99');
 * if (client !== undefined) console.log(`${reverseLabels(client)}.bad.example.com`); // 99.2.0.192.bad.example.com
 * ```
 */
export function reverseLabels(ip: IpAddress): string {
  return reversed(ip, '', '');
}
