import type { PermanentReply } from '@postern/core';
import type { ZoneResult } from './zone-result.ts';

/** A reply line has 512 octets with its codes and CRLF (RFC 5321 §4.5.3.1.5). */
const MAX_REPLY_TEXT = 480;

/** How many lists a reply names. One is enough to act upon. */
const MAX_NAMED = 2;

/** `zen.spamhaus.org (sbl, drop)` */
function zoneWithReasons({ zone, reasons }: ZoneResult): string {
  return `${zone} (${reasons.join(', ')})`;
}

/** `zen.spamhaus.org (sbl, drop), bl.example.com (listed)`: the zones that list, and why. */
export function namesOf(listings: readonly ZoneResult[]): string {
  return listings.map(zoneWithReasons).join(', ');
}

/**
 * The reply to a listed client: who says so, why, where to read about it, and the address it is about, so that the
 * sender's postmaster can act upon the bounce alone. One line of printable ASCII.
 *
 * @param address - the client's
 * @param listings - results with the status `listed`, at least one
 */
export function listingReply(address: string, listings: readonly ZoneResult[]): PermanentReply {
  const more = listings.length > MAX_NAMED ? ` and ${listings.length - MAX_NAMED} more` : '';
  const where = listings.find(({ link }) => link !== undefined)?.link;
  const why = listings.find(({ text }) => text !== undefined)?.text;
  const advice = where !== undefined ? `; see ${where}` : why !== undefined ? `: ${why}` : '';
  const text = `Client ${address} is listed by ${namesOf(listings.slice(0, MAX_NAMED))}${more}${advice}`;
  return { code: 550, enhanced: '5.7.1', text: text.slice(0, MAX_REPLY_TEXT) };
}
