import { formatIp } from '../address/format-ip.ts';
import type { IpAddress } from '../address/ip-address.ts';
import { parseIp } from '../address/parse-ip.ts';

/** What stands in brackets where else a domain does (RFC 5321 §4.1.3). */
export type AddressLiteral =
  | {
      readonly kind: 'ip';
      readonly ip: IpAddress;
      /** As one compares it: `[192.0.2.1]`, `[ipv6:2001:db8::1]`; an IPv4-mapped IPv6 address as IPv4. */
      readonly text: string;
    }
  /** A `General-address-literal`, of a kind that nobody has registered yet. `text` is in lower case. */
  | { readonly kind: 'general'; readonly tag: string; readonly text: string };

/** `Ldh-str`, and `dcontent`: printable ASCII without brackets and backslash. */
const general = /^\[([A-Za-z0-9-]*[A-Za-z0-9]):[!-Z^-~]+\]$/;
/** No path is longer (RFC 5321 §4.5.3.1.3), which keeps the search for a colon short. */
const LONGEST = 256;

/** The literal that `text` is, brackets included; `undefined` when it is none. Never throws on a string. */
export function parseAddressLiteral(text: string): AddressLiteral | undefined {
  if (text.length > LONGEST || !text.startsWith('[') || !text.endsWith(']')) return undefined;
  // An IPv6 address without its tag is none, and neither is an IPv4 address with it.
  const tagged = text.slice(1, 6).toLowerCase() === 'ipv6:';
  const content = text.slice(tagged ? 6 : 1, -1);
  if (tagged || !content.includes(':')) {
    // A zone id is of this machine alone.
    const ip = tagged === content.includes(':') && !content.includes('%') ? parseIp(content) : undefined;
    if (ip === undefined) return undefined;
    const canonical = formatIp(ip);
    return { kind: 'ip', ip, text: ip.family === 6 ? `[ipv6:${canonical}]` : `[${canonical}]` };
  }
  const tag = general.exec(text)?.[1];
  return tag === undefined ? undefined : { kind: 'general', tag: tag.toLowerCase(), text: text.toLowerCase() };
}
