import { type MailboxFault, mailboxFaultTexts, type PermanentReply, relayDenied } from '@postern/core';

/**
 * How a local part can ask the next server to send the mail elsewhere: `percent-hack` (`user%victim@ours`), `bang-path`
 * (`victim!user@ours`), `quoted-route` (`"user@victim"@ours`), `disguised-route` (characters beyond ASCII that
 * normalization turns into one of these), `encoded-address` (an encoded word of RFC 2047, or an address that Exchange
 * encapsulated).
 */
export type RoutingTrick = 'percent-hack' | 'bang-path' | 'quoted-route' | 'disguised-route' | 'encoded-address';

/**
 * Why a recipient is denied.
 *
 * About the client: `client-address` (no IP address, so that nothing can be said of it), `relay-denied` (a stranger, and
 * a domain that is none of ours).
 *
 * Whoever asks: what is no mailbox ({@link MailboxFault}), and `address-literal` (one that is not ours).
 *
 * In a domain of ours, and without domain, because the next server may route by it: a {@link RoutingTrick}.
 */
export type DenyReason = 'client-address' | 'relay-denied' | 'address-literal' | MailboxFault | RoutingTrick;

/** What the client is told, and a person who reads a report. Nothing of what the client sent stands in it. */
const texts: Readonly<Record<DenyReason, string>> = {
  ...mailboxFaultTexts,
  'client-address': 'The address of the client cannot be read, so this server takes no mail from it.',
  'relay-denied': relayDenied.text,
  'address-literal': 'This server takes no mail for that address literal. Use a domain.',
  'percent-hack': 'Routing with "%" in a recipient address is not allowed here.',
  'bang-path': 'Routing with "!" in a recipient address is not allowed here.',
  'quoted-route': 'Routing within a quoted recipient address is not allowed here.',
  'disguised-route': 'The recipient address has characters that some servers take for routing.',
  'encoded-address': 'The recipient address has another one encoded in it.',
};

/** One or two sentences for a person. */
export function denySummary(reason: DenyReason): string {
  return texts[reason];
}

/** 550 5.7.1 with the reason in words. */
export function denyReply(reason: DenyReason): PermanentReply {
  return { ...relayDenied, text: texts[reason] };
}
