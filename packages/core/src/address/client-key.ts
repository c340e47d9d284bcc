import { OptionReader } from '../options.ts';
import { formatCidr, networkOf } from './cidr.ts';
import { formatIp } from './format-ip.ts';
import type { IpAddress } from './ip-address.ts';

/** How much of an address makes a client. */
export interface ClientKeyOptions {
  /** Bits of an IPv4 address, 0 to 32. Default 32: each address is a client. */
  readonly ipv4PrefixLength?: number;
  /** Bits of an IPv6 address, 0 to 128. Default 64: a host moves freely within its /64 (RFC 4291 §2.5.1). */
  readonly ipv6PrefixLength?: number;
}

/**
 * The key that limits and reputations count a client by: an IPv4 address whole, `192.0.2.1`, an IPv6 address by its /64,
 * `2001:db8:1:2::/64`. Two addresses of one client have one key; an IPv4-mapped address has that of IPv4. An address in
 * `64:ff9b::/96` has as much of the IPv4 address in it as one of IPv4 would: all clients of IPv4 that a translator brings
 * would be one otherwise.
 *
 * @throws TypeError and RangeError on options that are none of these
 */
export function clientKey(ip: IpAddress, options?: ClientKeyOptions): string {
  let ipv4PrefixLength = 32;
  let ipv6PrefixLength = 64;
  if (options !== undefined) {
    const read = new OptionReader('clientKey', options);
    ipv4PrefixLength = read.integer('ipv4PrefixLength', ipv4PrefixLength, { min: 0, max: 32 });
    ipv6PrefixLength = read.integer('ipv6PrefixLength', ipv6PrefixLength, { min: 0, max: 128 });
    read.done();
  }
  const prefixLength = ip.family === 4 ? ipv4PrefixLength : isTranslated(ip) ? 96 + ipv4PrefixLength : ipv6PrefixLength;
  if (prefixLength === (ip.family === 4 ? 32 : 128)) return formatIp(ip);
  return formatCidr({ network: networkOf(ip, prefixLength), prefixLength });
}

/**
 * Whether an IPv6 address carries the IPv4 address of a client behind a translator (RFC 6052 §2.1: `64:ff9b::/96`). A prefix
 * that a network chose for itself cannot be told from other addresses.
 */
export function isTranslated({ word0, word1, word2 }: IpAddress): boolean {
  return word0 === 0x0064ff9b && word1 === 0 && word2 === 0;
}
