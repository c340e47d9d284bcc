import { type Cidr, cidrContains, parseIp } from '@postern/core';

/** Whether one of the addresses, as DNS gives them, lies in the network. What is no address lies nowhere. */
export function liesIn(addresses: readonly string[], network: Cidr): boolean {
  return addresses.some((address) => {
    const ip = parseIp(address);
    return ip !== undefined && cidrContains(network, ip);
  });
}
