import { formatCidr, formatIp, type IpAddress, isTranslated, networkOf, parseIp, toAsciiDomain } from '@postern/core';

/**
 * Whom a call is about: the keys that limits count by. A key that is absent or `undefined` stands for nobody, and limits
 * that count by it do not apply. An empty text is a key like any other: leave `senderDomain` out for the null reverse-path.
 */
export interface RateSubject {
  /** The client's address. Text that is none (a socket path) is a client of that name. */
  readonly client?: string | IpAddress | undefined;
  /** Who has logged in. Names that differ only in case, width or composition are one. */
  readonly user?: string | undefined;
  /** The domain of MAIL FROM, in Unicode or as A-labels, in any case. */
  readonly senderDomain?: string | undefined;
  /** The address of RCPT TO, in any case, its domain in Unicode or as A-labels. */
  readonly recipient?: string | undefined;
  /** Any other name that a limit's `per` has; counted as it is. */
  readonly [name: string]: string | IpAddress | undefined;
}

/** How many bits of a client's address count. */
export interface ClientBits {
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
}

/** The names that a subject may have although no limit counts by them. */
export const knownKeys: readonly string[] = ['client', 'user', 'senderDomain', 'recipient'];

export function isAddress(value: unknown): value is IpAddress {
  return typeof value === 'object' && value !== null && 'family' in value && 'word3' in value;
}

/** An address by its first bits, as `clientKey` of core has it; text that is none as it is. */
export function clientKeyOf(client: string | IpAddress, { ipv4PrefixLength, ipv6PrefixLength }: ClientBits): string {
  const ip = typeof client === 'string' ? parseIp(client) : client;
  if (ip === undefined) return String(client);
  const prefixLength = ip.family === 4 ? ipv4PrefixLength : isTranslated(ip) ? 96 + ipv4PrefixLength : ipv6PrefixLength;
  if (prefixLength < (ip.family === 4 ? 32 : 128)) {
    return formatCidr({ network: networkOf(ip, prefixLength), prefixLength });
  }
  // A dotted quad has one spelling only.
  return ip.family === 4 && typeof client === 'string' && !client.includes(':') ? client : formatIp(ip);
}

const beyondAscii = /[^\0-\x7f]/;

/** In one case, width and composition. */
export function userKeyOf(text: string): string {
  return (beyondAscii.test(text) ? text.normalize('NFKC') : text).toLowerCase();
}

export function domainKeyOf(domain: string): string {
  return toAsciiDomain(domain, { underscores: true }) ?? userKeyOf(domain);
}

export function recipientKeyOf(mailbox: string): string {
  const at = mailbox.lastIndexOf('@');
  return at < 0 ? userKeyOf(mailbox) : `${userKeyOf(mailbox.slice(0, at))}@${domainKeyOf(mailbox.slice(at + 1))}`;
}
