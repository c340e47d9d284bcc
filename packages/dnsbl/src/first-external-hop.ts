import {
  type Cidr,
  cidrContains,
  formatIp,
  type HeaderFields,
  type IpAddress,
  isGlobal,
  parseCidr,
} from '@postern/core';
import { receivedAddress } from './received-address.ts';

/** Where a message came in from the outside. */
export type ExternalHop =
  | {
      readonly found: true;
      readonly ip: IpAddress;
      /** RFC 5952 text. */
      readonly address: string;
      /** Which `Received` field told it, from the top; 0 is the first. */
      readonly position: number;
    }
  | {
      readonly found: false;
      /**
       * `no-received`: no field is left, so that the message comes from the inside. `unreadable`: a field that must be
       * known cannot be read. `too-many`: the message went through more trusted hosts than are looked at.
       */
      readonly reason: 'no-received' | 'unreadable' | 'too-many';
    };

/** RFC 5321 §6.3: a hundred is taken for a loop; trusted hosts are few. */
const MAX_FIELDS = 30;

/** Networks as {@link firstExternalHop} compares them. Throws a RangeError for what is none. */
export function readNetworks(owner: string, networks: readonly string[]): readonly Cidr[] {
  return networks.map((text) => {
    const result = parseCidr(text);
    if (result.ok) return result.cidr;
    throw new RangeError(`${owner}: option "trusted" must be a list of networks, got ${JSON.stringify(text)}`);
  });
}

export function isTrusted(ip: IpAddress, trusted: readonly Cidr[]): boolean {
  return trusted.some((network) => cidrContains(network, ip));
}

/** {@link firstExternalHop} for networks that have been read. */
export function externalHop(header: HeaderFields, trusted: readonly Cidr[]): ExternalHop {
  const fields = header.all('received');
  for (let position = 0; position < fields.length; position++) {
    if (position === MAX_FIELDS) return { found: false, reason: 'too-many' };
    const ip = receivedAddress(fields[position]?.value ?? '');
    // Below a field that cannot be read stands what anybody may have invented.
    if (ip === 'unreadable') return { found: false, reason: 'unreadable' };
    if (ip === 'none' || !isGlobal(ip) || isTrusted(ip, trusted)) continue;
    return { found: true, ip, address: formatIp(ip), position };
  }
  return { found: false, reason: 'no-received' };
}

/**
 * The first host outside of one's own network that a message came from, by its `Received` fields: for servers that take
 * mail from a relay of their own (a second MX, a forwarder, a filter), whose address says nothing.
 *
 * Read from the top: each field was written by the host that the field above it names, so that the first host that is not
 * trusted is named by one that is. Everything below may be invented, and is not looked at. Call it only for messages from a
 * trusted client: anybody else's first field is his own invention.
 *
 * Hosts at private, loopback and other special addresses are taken for one's own, and so are steps without an address, such
 * as that of a local filter.
 *
 * Bounded: 30 fields, 4,096 characters of each, linear.
 *
 * @param trusted - one's own relays: addresses and networks
 * @throws RangeError for a text in `trusted` that is no network
 *
 * @example
 * ```ts
 * const hop = firstExternalHop(header, { trusted: ['198.51.100.0/24'] });
 * if (hop.found) console.log(hop.address);
 * ```
 */
export function firstExternalHop(
  header: HeaderFields,
  { trusted }: { readonly trusted: readonly string[] },
): ExternalHop {
  return externalHop(header, readNetworks('firstExternalHop', trusted));
}
