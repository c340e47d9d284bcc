import { formatIp, type OptionReader, parseIp, toAsciiDomain } from '@postern/core';

/** Names and addresses of the server itself, which no client has. */
export interface OwnHostOptions {
  /** The server's own host names, exact. Default none. */
  readonly ownNames?: readonly string[];
  /** The server's own addresses, as text. Default none. */
  readonly ownAddresses?: readonly string[];
}

/** {@link OwnHostOptions}, ready for comparison. */
export interface OwnHost {
  readonly names: ReadonlySet<string>;
  /** As `formatIp` writes them. */
  readonly addresses: ReadonlySet<string>;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

export function readOwnHost(read: OptionReader): OwnHost {
  const names = new Set<string>();
  for (const text of read.value('ownNames', isTextList, 'a list of host names') ?? []) {
    names.add(toAsciiDomain(text, { underscores: true }) ?? read.refuse('ownNames', 'a list of host names'));
  }
  const addresses = new Set<string>();
  for (const text of read.value('ownAddresses', isTextList, 'a list of IP addresses') ?? []) {
    const ip = parseIp(text);
    addresses.add(ip === undefined ? read.refuse('ownAddresses', 'a list of IP addresses') : formatIp(ip));
  }
  return { names, addresses };
}
