import { type Cidr, cidrContains, parseCidr } from './cidr.ts';
import type { IpAddress } from './ip-address.ts';

/**
 * What kind of address it is. `global`: an ordinary unicast address. `unspecified`: `0.0.0.0` and `::`. `this-network`: the
 * rest of `0.0.0.0/8`. `private`: RFC 1918 and unique local IPv6. `shared`: behind a provider's NAT. `protocol-assignments`:
 * set aside for one protocol, anycast among them. `translation` and `tunnel`: it carries an IPv4 address.
 * `reserved`: not for use, or not allocated.
 */
export type IpClass =
  | 'global'
  | 'unspecified'
  | 'this-network'
  | 'loopback'
  | 'private'
  | 'shared'
  | 'link-local'
  | 'documentation'
  | 'benchmarking'
  | 'multicast'
  | 'broadcast'
  | 'discard'
  | 'protocol-assignments'
  | 'translation'
  | 'tunnel'
  | 'segment-routing'
  | 'reserved';

/** What the registries say of an address: their most specific entry. */
export interface IpClassification {
  readonly class: IpClass;
  /** Whether the registry calls the block globally reachable; what it calls "N/A" is not, nor is multicast. */
  readonly global: boolean;
  /** The entry's prefix: `192.0.2.0/24`. */
  readonly prefix: string;
  /** The entry's name: `Documentation (TEST-NET-1)`. */
  readonly name: string;
  /** The document that set it aside: `RFC 5737`. */
  readonly reference: string;
}

/**
 * The IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190) as of 2025-10, with what stands in
 * other registries: multicast, deprecated ranges, and IPv6 outside of what IANA allocates from.
 * Columns: prefix, class, globally reachable, name, reference.
 */
const entries: readonly (readonly [string, IpClass, boolean, string, string])[] = [
  ['0.0.0.0/0', 'global', true, 'Global unicast', 'RFC 791'],
  ['0.0.0.0/8', 'this-network', false, 'This network', 'RFC 791 §3.2'],
  ['0.0.0.0/32', 'unspecified', false, 'This host on this network', 'RFC 1122 §3.2.1.3'],
  ['10.0.0.0/8', 'private', false, 'Private-Use', 'RFC 1918'],
  ['100.64.0.0/10', 'shared', false, 'Shared Address Space', 'RFC 6598'],
  ['127.0.0.0/8', 'loopback', false, 'Loopback', 'RFC 1122 §3.2.1.3'],
  ['169.254.0.0/16', 'link-local', false, 'Link Local', 'RFC 3927'],
  ['172.16.0.0/12', 'private', false, 'Private-Use', 'RFC 1918'],
  ['192.0.0.0/24', 'protocol-assignments', false, 'IETF Protocol Assignments', 'RFC 6890 §2.1'],
  ['192.0.0.0/29', 'protocol-assignments', false, 'IPv4 Service Continuity Prefix', 'RFC 7335'],
  ['192.0.0.8/32', 'protocol-assignments', false, 'IPv4 dummy address', 'RFC 7600'],
  ['192.0.0.9/32', 'protocol-assignments', true, 'Port Control Protocol Anycast', 'RFC 7723'],
  ['192.0.0.10/32', 'protocol-assignments', true, 'Traversal Using Relays around NAT Anycast', 'RFC 8155'],
  ['192.0.0.170/32', 'protocol-assignments', false, 'NAT64/DNS64 Discovery', 'RFC 8880'],
  ['192.0.0.171/32', 'protocol-assignments', false, 'NAT64/DNS64 Discovery', 'RFC 8880'],
  ['192.0.2.0/24', 'documentation', false, 'Documentation (TEST-NET-1)', 'RFC 5737'],
  ['192.31.196.0/24', 'protocol-assignments', true, 'AS112-v4', 'RFC 7535'],
  ['192.52.193.0/24', 'protocol-assignments', true, 'AMT', 'RFC 7450'],
  ['192.88.99.0/24', 'reserved', false, 'Deprecated (6to4 Relay Anycast)', 'RFC 7526'],
  ['192.88.99.2/32', 'tunnel', false, '6a44-relay anycast address', 'RFC 6751'],
  ['192.168.0.0/16', 'private', false, 'Private-Use', 'RFC 1918'],
  ['192.175.48.0/24', 'protocol-assignments', true, 'Direct Delegation AS112 Service', 'RFC 7534'],
  ['198.18.0.0/15', 'benchmarking', false, 'Benchmarking', 'RFC 2544'],
  ['198.51.100.0/24', 'documentation', false, 'Documentation (TEST-NET-2)', 'RFC 5737'],
  ['203.0.113.0/24', 'documentation', false, 'Documentation (TEST-NET-3)', 'RFC 5737'],
  ['224.0.0.0/4', 'multicast', false, 'Multicast', 'RFC 5771'],
  ['240.0.0.0/4', 'reserved', false, 'Reserved', 'RFC 1112 §4'],
  ['255.255.255.255/32', 'broadcast', false, 'Limited Broadcast', 'RFC 8190'],

  // RFC 4291 §4: IANA allocates from 2000::/3 alone.
  ['::/0', 'reserved', false, 'Reserved by IETF', 'RFC 4291 §4'],
  ['2000::/3', 'global', true, 'Global Unicast', 'RFC 4291 §4'],
  ['::/96', 'reserved', false, 'Deprecated (IPv4-Compatible IPv6 Address)', 'RFC 4291 §2.5.5.1'],
  ['::/128', 'unspecified', false, 'Unspecified Address', 'RFC 4291 §2.5.2'],
  ['::1/128', 'loopback', false, 'Loopback Address', 'RFC 4291 §2.5.3'],
  ['64:ff9b::/96', 'translation', true, 'IPv4-IPv6 Translation', 'RFC 6052'],
  ['64:ff9b:1::/48', 'translation', false, 'IPv4-IPv6 Translation', 'RFC 8215'],
  ['100::/64', 'discard', false, 'Discard-Only Address Block', 'RFC 6666'],
  ['100:0:0:1::/64', 'discard', false, 'Dummy IPv6 Prefix', 'RFC 9780'],
  ['2001::/23', 'protocol-assignments', false, 'IETF Protocol Assignments', 'RFC 2928'],
  ['2001::/32', 'tunnel', false, 'TEREDO', 'RFC 4380'],
  ['2001:1::1/128', 'protocol-assignments', true, 'Port Control Protocol Anycast', 'RFC 7723'],
  ['2001:1::2/128', 'protocol-assignments', true, 'Traversal Using Relays around NAT Anycast', 'RFC 8155'],
  ['2001:1::3/128', 'protocol-assignments', true, 'DNS-SD Service Registration Protocol Anycast', 'RFC 9665'],
  ['2001:2::/48', 'benchmarking', false, 'Benchmarking', 'RFC 5180'],
  ['2001:3::/32', 'protocol-assignments', true, 'AMT', 'RFC 7450'],
  ['2001:4:112::/48', 'protocol-assignments', true, 'AS112-v6', 'RFC 7535'],
  ['2001:10::/28', 'reserved', false, 'Deprecated (previously ORCHID)', 'RFC 4843'],
  ['2001:20::/28', 'protocol-assignments', true, 'ORCHIDv2', 'RFC 7343'],
  ['2001:30::/28', 'protocol-assignments', true, 'Drone Remote ID Protocol Entity Tags (DETs) Prefix', 'RFC 9374'],
  ['2001:db8::/32', 'documentation', false, 'Documentation', 'RFC 3849'],
  ['2002::/16', 'tunnel', false, '6to4', 'RFC 3056'],
  ['2620:4f:8000::/48', 'protocol-assignments', true, 'Direct Delegation AS112 Service', 'RFC 7534'],
  ['3fff::/20', 'documentation', false, 'Documentation', 'RFC 9637'],
  ['5f00::/16', 'segment-routing', false, 'Segment Routing (SRv6) SIDs', 'RFC 9602'],
  ['fc00::/7', 'private', false, 'Unique-Local', 'RFC 4193'],
  ['fe80::/10', 'link-local', false, 'Link-Local Unicast', 'RFC 4291 §2.5.6'],
  ['fec0::/10', 'reserved', false, 'Deprecated (Site-Local Unicast)', 'RFC 3879'],
  ['ff00::/8', 'multicast', false, 'Multicast', 'RFC 4291 §2.7'],
];

interface Row {
  readonly cidr: Cidr;
  readonly classification: IpClassification;
}

/** By family and first octet the rows that can contain such an address, longest prefix first. Made on first use. */
let index: { readonly 4: readonly (readonly Row[])[]; readonly 6: readonly (readonly Row[])[] } | undefined;

function firstOctet(ip: IpAddress): number {
  return (ip.family === 4 ? ip.word3 : ip.word0) >>> 24;
}

function makeRow([prefix, ipClass, global, name, reference]: (typeof entries)[number]): Row {
  const result = parseCidr(prefix);
  if (!result.ok) throw new RangeError(`special-purpose entry ${prefix}: ${result.reason}`);
  return { cidr: result.cidr, classification: { class: ipClass, global, prefix, name, reference } };
}

function makeIndex(family: 4 | 6): readonly (readonly Row[])[] {
  const rows = entries
    .map(makeRow)
    .filter(({ cidr }) => cidr.network.family === family)
    .sort((one, other) => other.cidr.prefixLength - one.cidr.prefixLength);
  return Array.from({ length: 256 }, (_, octet) =>
    rows.filter(({ cidr: { network, prefixLength } }) => {
      const free = Math.max(0, 8 - prefixLength);
      return octet >> free === firstOctet(network) >> free;
    }),
  );
}

/**
 * What kind of address it is, with the registry entry that says so: the longest prefix that contains it, among the IANA
 * special-purpose address registries and what belongs beside them. An IPv4-mapped address is IPv4.
 *
 * @example
 * ```ts
 * import { classifyIp, parseIp } from '@postern/core';
 *
 * const ip = parseIp('100.64.3.4');
 * if (ip !== undefined) console.log(classifyIp(ip));
 * // { class: 'shared', global: false, prefix: '100.64.0.0/10', name: 'Shared Address Space', reference: 'RFC 6598' }
 * ```
 */
export function classifyIp(ip: IpAddress): IpClassification {
  index ??= { 4: makeIndex(4), 6: makeIndex(6) };
  for (const row of index[ip.family][firstOctet(ip)] ?? []) {
    if (cidrContains(row.cidr, ip)) return row.classification;
  }
  throw new TypeError('classifyIp: not an address as parseIp gives it');
}

/**
 * Whether the address can be a host's on the public Internet. A client whose address is not is one's own, or a mistake;
 * public DNS lists know nothing of it.
 */
export function isGlobal(ip: IpAddress): boolean {
  return classifyIp(ip).global;
}
