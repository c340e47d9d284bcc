/**
 * What keeps text from being a mailbox of RFC 5321 §4.1.2, in the words that parsing and deciding have in common.
 *
 * - `no-recipient`: nothing at all, where a recipient has to stand
 * - `path-too-long` (§4.5.3.1.3), `local-part-too-long` (§4.5.3.1.1): in octets of UTF-8
 * - `control-character`: C0, DEL, C1, in whatever part
 * - `source-route` (`@ours:user@victim`), `nested-address` (`user@victim@ours`)
 * - `empty-local-part`, `bad-local-part`; `non-ascii-local-part` (without SMTPUTF8); and with it (RFC 6531 §3.3):
 *   `bad-utf8` (a lone surrogate, or what a decoder left of bytes that are no UTF-8), `invisible-character` (format and
 *   bidirectional controls, spaces beyond ASCII, private use), `not-normalized` (not NFC, RFC 6532 §3.1)
 * - `no-domain`, `trailing-dot`, `bad-domain`, `bad-literal`
 */
export type MailboxFault =
  | 'no-recipient'
  | 'path-too-long'
  | 'control-character'
  | 'source-route'
  | 'nested-address'
  | 'empty-local-part'
  | 'local-part-too-long'
  | 'non-ascii-local-part'
  | 'bad-local-part'
  | 'bad-utf8'
  | 'invisible-character'
  | 'not-normalized'
  | 'no-domain'
  | 'trailing-dot'
  | 'bad-domain'
  | 'bad-literal';

/** A fault, and the offset into the text at which it shows. */
export interface MailboxRefusal {
  readonly reason: MailboxFault;
  readonly position: number;
}

/** One sentence for a person, in which nothing stands of what the client sent. */
export const mailboxFaultTexts: Readonly<Record<MailboxFault, string>> = {
  'no-recipient': 'The address is empty.',
  'path-too-long': 'The address is longer than 254 octets.',
  'control-character': 'The address has a control character in it.',
  'source-route': 'Source routes are not followed here. Give the mailbox alone.',
  'nested-address': 'The address has more than one "@". Give one mailbox.',
  'empty-local-part': 'The address has nothing before the "@".',
  'local-part-too-long': 'The address has more than 64 octets before the "@".',
  'non-ascii-local-part': 'The address has other than ASCII characters before the "@", which takes SMTPUTF8.',
  'bad-local-part': 'The address is malformed before the "@".',
  'bad-utf8': 'The address is not well-formed UTF-8.',
  'invisible-character': 'The address has characters that cannot be seen.',
  'not-normalized': 'The address is not in Unicode normalization form C.',
  'no-domain': 'The address has no domain.',
  'trailing-dot': 'The domain of the address ends with a dot. Leave it out.',
  'bad-domain': 'The domain of the address is malformed.',
  'bad-literal': 'The address literal is malformed.',
};
