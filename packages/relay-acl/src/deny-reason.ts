import { type PermanentReply, relayDenied } from '@postern/core';

/**
 * Why a recipient is denied.
 *
 * About the client: `client-address` (no IP address, so that nothing can be said of it), `relay-denied` (a stranger, and
 * a domain that is none of ours).
 *
 * Whoever asks, because no mailbox of RFC 5321 §4.1.2 looks like this: `no-recipient`, `path-too-long` (§4.5.3.1.3),
 * `control-character`, `source-route` (`@ours:user@victim`), `nested-address` (`user@victim@ours`), `empty-local-part`,
 * `local-part-too-long` (§4.5.3.1.1), `non-ascii-local-part`, `bad-local-part`, `no-domain`, `trailing-dot`,
 * `bad-domain`, `address-literal` (not one of ours).
 *
 * In a domain of ours, and without domain, because the next server may route by it: `percent-hack` (`user%victim@ours`),
 * `bang-path` (`victim!user@ours`), `quoted-route` (`"user@victim"@ours`).
 */
export type DenyReason =
  | 'client-address'
  | 'relay-denied'
  | 'no-recipient'
  | 'path-too-long'
  | 'control-character'
  | 'source-route'
  | 'nested-address'
  | 'empty-local-part'
  | 'local-part-too-long'
  | 'non-ascii-local-part'
  | 'bad-local-part'
  | 'no-domain'
  | 'trailing-dot'
  | 'bad-domain'
  | 'address-literal'
  | 'percent-hack'
  | 'bang-path'
  | 'quoted-route';

/** What the client is told, and a person who reads a report. Nothing of what the client sent stands in it. */
const texts: Readonly<Record<DenyReason, string>> = {
  'client-address': 'The address of the client cannot be read, so this server takes no mail from it.',
  'relay-denied': relayDenied.text,
  'no-recipient': 'The recipient address is empty.',
  'path-too-long': 'The recipient address is longer than 254 octets.',
  'control-character': 'The recipient address has a control character in it.',
  'source-route': 'Source routes are not followed here. Give the mailbox alone.',
  'nested-address': 'The recipient address has more than one "@". Give one mailbox.',
  'empty-local-part': 'The recipient address has nothing before the "@".',
  'local-part-too-long': 'The recipient address has more than 64 octets before the "@".',
  'non-ascii-local-part': 'The recipient address has other than ASCII characters before the "@".',
  'bad-local-part': 'The recipient address is malformed before the "@".',
  'no-domain': 'The recipient address has no domain.',
  'trailing-dot': 'The domain of the recipient ends with a dot. Leave it out.',
  'bad-domain': 'The domain of the recipient is malformed.',
  'address-literal': 'This server takes no mail for that address literal. Use a domain.',
  'percent-hack': 'Routing with "%" in a recipient address is not allowed here.',
  'bang-path': 'Routing with "!" in a recipient address is not allowed here.',
  'quoted-route': 'Routing within a quoted recipient address is not allowed here.',
};

/** One or two sentences for a person. */
export function denySummary(reason: DenyReason): string {
  return texts[reason];
}

/** 550 5.7.1 with the reason in words. */
export function denyReply(reason: DenyReason): PermanentReply {
  return { ...relayDenied, text: texts[reason] };
}
