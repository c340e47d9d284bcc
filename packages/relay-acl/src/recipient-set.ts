import { type Awaitable, type Path, readMailbox, type Transaction } from '@postern/core';
import { type MailboxComparison, MailboxSet, type MailboxSetOptions, readComparison } from './mailbox-set.ts';

/**
 * Whether a recipient exists. May answer later. What it throws, rejects with, or answers besides `true` and `false` is a
 * failure, which is neither.
 *
 * @param recipient - one that the ACL has found to be well-formed and in a domain of ours
 * @param options - for which transaction it is asked
 */
export type RecipientLookup = (recipient: Path, options: RecipientLookupOptions) => Awaitable<boolean>;

/** What a {@link RecipientLookup} may want to know besides. */
export interface RecipientLookupOptions {
  readonly transaction: Transaction;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Addresses and domains, in a list that can be read more than once. */
export type RecipientEntries = readonly string[] | ReadonlySet<string>;

/** Whether a value, of which nothing is known, could be the argument of {@link recipientSet}. */
export function isRecipientEntries(value: unknown): value is RecipientEntries {
  return (Array.isArray(value) || value instanceof Set) && [...value].every((each) => typeof each === 'string');
}

/** @throws RangeError that begins with `owner` and names the entry that is no address */
export function compileRecipients(
  owner: string,
  entries: RecipientEntries,
  comparison: MailboxComparison,
): RecipientLookup {
  const known = new MailboxSet(entries, owner, comparison);
  return ({ address }) => {
    const mailbox = readMailbox(address);
    return mailbox !== undefined && known.has(mailbox);
  };
}

/**
 * Recipients that exist, as `relayAcl` takes them for `recipients`; to be used where addresses are to be compared in another
 * way than by default. `ann@example.com` is this mailbox, `example.com` all of this domain (a catch-all), `.example.com` all
 * of its subdomains. A copy is kept: who adds mailboxes makes a new one, or asks a database by a function.
 *
 * Domains compare without regard to case, in Unicode or as A-labels. So does the local part, in ASCII, by default: hardly a
 * server tells `Info@` from `info@`, and to refuse one of them would lose mail.
 *
 * @param options - `ignoreCase`, default `true`; `subaddressSeparator`, default none
 * @throws TypeError or RangeError that names the option or the entry
 *
 * @example
 * ```ts
 * import { recipientSet, relayAcl } from '@postern/relay-acl';
 *
 * const recipients = recipientSet(['ann@example.com', 'bob@example.com'], { subaddressSeparator: '+' });
 * const check = relayAcl({ localDomains: ['example.com'], recipients });
 * ```
 */
export function recipientSet(entries: RecipientEntries, options?: MailboxSetOptions): RecipientLookup {
  if (!isRecipientEntries(entries)) throw new TypeError('recipientSet: entries must be a list of addresses');
  return compileRecipients('recipientSet', entries, readComparison('recipientSet', options, true));
}
