/**
 * Reading, comparing and naming addresses, 1,000 of them a round, beside `node:net` and `ip-address`. `net.isIP` only says
 * whether the text is an address, `net.BlockList` reads it anew for every question.
 */
import { BlockList, isIP } from 'node:net';
import { cidrContains, classifyIp, clientKey, formatIp, parseCidr, parseIp, reverseLabels } from '@postern/core';
import { Address4, Address6 } from 'ip-address';
import { bench, do_not_optimize, run, summary } from 'mitata';

const ADDRESSES = 1_000;

/** As a socket hands it over: one flat string, not a rope of the parts it was made of. */
function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function each<T>(name: string, values: readonly T[], action: (value: T) => unknown): void {
  bench(name, () => {
    for (const value of values) do_not_optimize(action(value));
  });
}

const ipv4 = Array.from({ length: ADDRESSES }, (_, n) => flat(`${(n % 223) + 1}.${(n * 13) % 256}.7.${n % 256}`));
const ipv6 = Array.from({ length: ADDRESSES }, (_, n) => flat(`2001:db8:${(n * 7).toString(16)}::${n.toString(16)}:1`));
const parsed4 = ipv4.map((text) => parseIp(text)).filter((ip) => ip !== undefined);
const parsed6 = ipv6.map((text) => parseIp(text)).filter((ip) => ip !== undefined);

summary(() => {
  each('parseIp, IPv4', ipv4, parseIp);
  each('net.isIP, IPv4', ipv4, isIP);
  each('ip-address, IPv4', ipv4, (text) => new Address4(text));
});

summary(() => {
  each('parseIp, IPv6', ipv6, parseIp);
  each('net.isIP, IPv6', ipv6, isIP);
  each('ip-address, IPv6', ipv6, (text) => new Address6(text));
});

summary(() => {
  each('formatIp, IPv6', parsed6, formatIp);
  const theirs = ipv6.map((text) => new Address6(text));
  each('ip-address correctForm, IPv6', theirs, (address) => address.correctForm());
});

summary(() => {
  each('reverseLabels, IPv6', parsed6, reverseLabels);
  const theirs = ipv6.map((text) => new Address6(text));
  each('ip-address reverseForm, IPv6', theirs, (address) => address.reverseForm());
});

summary(() => {
  const network = parseCidr('10.0.0.0/8');
  if (!network.ok) throw new Error(network.reason);
  each('parseIp and cidrContains', ipv4, (text) => {
    const ip = parseIp(text);
    return ip !== undefined && cidrContains(network.cidr, ip);
  });
  const blockList = new BlockList();
  blockList.addSubnet('10.0.0.0', 8);
  each('net.BlockList check', ipv4, (text) => blockList.check(text));
});

// No peer: what one connection costs besides.
each('classifyIp, IPv4', parsed4, classifyIp);
each('classifyIp, IPv6', parsed6, classifyIp);
each('clientKey, IPv4', parsed4, (ip) => clientKey(ip));
each('clientKey, IPv6', parsed6, (ip) => clientKey(ip));

await run();
