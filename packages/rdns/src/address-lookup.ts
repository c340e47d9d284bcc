import { type DnsFailureReason, type IpAddress, parseIp, type Resolver } from '@postern/core';

/** What the address records of a name say of one client. */
export type AddressMatch =
  /** An address record of the client's family is the client's address. */
  | { readonly kind: 'match'; readonly authentic: boolean }
  /** There are addresses, and none is the client's; or there is none of its family. */
  | { readonly kind: 'no-match'; readonly addresses: readonly string[] }
  /** The name does not exist. */
  | { readonly kind: 'nxdomain' }
  | { readonly kind: 'unknown'; readonly reason: DnsFailureReason };

/** How many addresses of a name a result quotes. */
const MOST_QUOTED = 10;

export function isSameIp(one: IpAddress, other: IpAddress): boolean {
  return (
    one.word3 === other.word3 && one.word2 === other.word2 && one.word1 === other.word1 && one.word0 === other.word0
  );
}

/** Whether the name leads to the client: only the client's family is asked, since no record of the other can name it. */
export async function matchAddress(name: string, client: IpAddress, dns: Resolver): Promise<AddressMatch> {
  const answer = await dns.resolve(name, client.family === 4 ? 'A' : 'AAAA');
  switch (answer.kind) {
    case 'records': {
      const matches = answer.records.some((address) => {
        const ip = parseIp(address);
        return ip !== undefined && isSameIp(ip, client);
      });
      return matches
        ? { kind: 'match', authentic: answer.authentic }
        : { kind: 'no-match', addresses: answer.records.slice(0, MOST_QUOTED) };
    }
    case 'nodata':
      return { kind: 'no-match', addresses: [] };
    case 'nxdomain':
      return { kind: 'nxdomain' };
    case 'failure':
      return { kind: 'unknown', reason: answer.reason };
  }
}
