import type { PermanentReply, TransientReply } from '@postern/core';
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

function textOf(who: string, listings: readonly ZoneResult[]): string {
  const more = listings.length > MAX_NAMED ? ` and ${listings.length - MAX_NAMED} more` : '';
  const where = listings.find(({ link }) => link !== undefined)?.link;
  const why = listings.find(({ text }) => text !== undefined)?.text;
  const advice = where !== undefined ? `; see ${where}` : why !== undefined ? `: ${why}` : '';
  const text = `${who} is listed by ${namesOf(listings.slice(0, MAX_NAMED))}${more}${advice}`;
  return text.slice(0, MAX_REPLY_TEXT);
}

/**
 * The reply to who is listed: who says so, why, where to read about it, and the address or domain it is about, so that the
 * sender's postmaster can act upon the bounce alone. One line of printable ASCII.
 *
 * @param who - `Client 192.0.2.1`
 * @param listings - results with the status `listed`, at least one
 */
export function listingReply(who: string, listings: readonly ZoneResult[]): PermanentReply {
  return { code: 550, enhanced: '5.7.1', text: textOf(who, listings) };
}

/** The same for who may come back, when the list may have changed its mind. */
export function deferredListingReply(who: string, listings: readonly ZoneResult[]): TransientReply {
  return { code: 451, enhanced: '4.7.1', text: textOf(who, listings) };
}
