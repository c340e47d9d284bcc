/**
 * What a domain owner asks receivers to do with mail that fails (RFC 9989 §4.7 `p`), and what a receiver does.
 *
 * - `none`: nothing, as if there were no DMARC.
 * - `quarantine`: the mail is suspicious.
 * - `reject`: the use of the domain is not valid.
 */
export type DmarcPolicy = 'none' | 'quarantine' | 'reject';
