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
