import { formatCidr, type IpAddress, parseCidr } from '@postern/core';
import { IpList } from '@postern/ip-list';

/**
 * A list of networks that may change while it is in use: an `IpList`, one with a journal, or anything else that knows the
 * entry of an address.
 */
export type NetworkList = Pick<IpList, 'lookup'>;

/** Networks as an option names them. */
type TrustedNetworks = readonly string[] | ReadonlySet<string> | NetworkList;

function isNetworkList(value: unknown): value is NetworkList {
  return typeof value === 'object' && value !== null && 'lookup' in value && typeof value.lookup === 'function';
}

export function isTrustedNetworks(value: unknown): value is TrustedNetworks {
  if (Array.isArray(value) || value instanceof Set) return [...value].every((each) => typeof each === 'string');
  return isNetworkList(value);
}

/**
 * `undefined` when it is clear that nobody is trusted.
 *
 * @throws RangeError that names the entry which is no network, or one that nobody means to trust
 */
export function networkListOf(networks: TrustedNetworks | undefined, owner: string): NetworkList | undefined {
  if (networks === undefined || isNetworkList(networks)) return networks;
  const list = IpList.from([...networks].map((text) => [networkOf(text, owner), { action: 'allow' }]));
  return list.size === 0 ? undefined : list;
}

function networkOf(text: string, owner: string): string {
  const result = parseCidr(text);
  const what = `${owner}: ${JSON.stringify(text)}`;
  if (!result.ok) throw new RangeError(`${what} is no network such as "192.0.2.0/24": ${result.reason}`);
  const network = formatCidr(result.cidr);
  // Trust is given on purpose or not at all: nobody's whole family, and no network that was meant as one address.
  if (result.cidr.prefixLength === 0) throw new RangeError(`${what} is everyone, which would make an open relay`);
  if (result.hostBitsSet) throw new RangeError(`${what} is an address inside ${network}; name one or the other`);
  return network;
}

/**
 * The trusted network that the address stands in. Only an entry that says `allow` gives trust: a list of those to block makes
 * no open relay when it is put in the wrong place. Neither does one that allows everyone.
 */
export function trustedNetworkOf(list: NetworkList, ip: IpAddress): string | undefined {
  const entry = list.lookup(ip);
  return entry?.action === 'allow' && !entry.prefix.endsWith('/0') ? entry.prefix : undefined;
}
