import { type Cidr, cidrContains, type IpAddress, type OptionReader, parseCidr } from '@postern/core';
import { IpList } from './ip-list.ts';

/** Networks as an option names them: texts, or a list that may change, of which the `allow` entries count. */
export type Networks = readonly string[] | Pick<IpList, 'lookup'>;

/** The machine itself: whoever bans it bans its own mail. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** Networks of which nothing is ever listed. */
export class IgnoredNetworks {
  readonly #cidrs: readonly Cidr[];
  readonly #list: Pick<IpList, 'lookup'>;

  /** Reads the option `ignore`. */
  constructor(read: OptionReader) {
    const networks =
      read.value('ignore', isNetworks, 'a list of networks such as "192.0.2.0/24", or an IpList') ?? LOOPBACK;
    this.#cidrs = isLookup(networks) ? [] : networks.map((text) => networkOf(read, text));
    this.#list = isLookup(networks) ? networks : IpList.from(this.#cidrs.map((cidr) => [cidr, { action: 'allow' }]));
  }

  /** A list that cannot say spares everyone, and disturbs no mail. */
  has(ip: IpAddress): boolean {
    try {
      return this.#list.lookup(ip)?.action === 'allow';
    } catch {
      return true;
    }
  }

  /** Whether one of the networks lies inside of that one. Of an `IpList` that is not known. */
  someWithin(wide: Cidr): boolean {
    return this.#cidrs.some(({ network }) => cidrContains(wide, network));
  }
}

function networkOf(read: OptionReader, text: string): Cidr {
  const result = parseCidr(text);
  return result.ok ? result.cidr : read.refuse('ignore', `a list of networks, and ${JSON.stringify(text)} is none`);
}

function isLookup(value: unknown): value is Pick<IpList, 'lookup'> {
  return typeof value === 'object' && value !== null && 'lookup' in value && typeof value.lookup === 'function';
}

function isNetworks(value: unknown): value is Networks {
  return isLookup(value) || (Array.isArray(value) && value.every((each) => typeof each === 'string'));
}
