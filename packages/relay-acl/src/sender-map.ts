import type { Awaitable, Mailbox } from '@postern/core';
import { type MailboxComparison, MailboxSet, type MailboxSetOptions, readComparison } from './mailbox-set.ts';

/** A sender address that somebody wants to use. */
export interface SenderAddress extends Mailbox {
  /** As the client wrote it. To compare with what is known, `localPart` and `domain` are the better part. */
  readonly address: string;
}

/**
 * Whether a user may use a sender address. May answer later. What it throws, rejects with, or answers besides `true` and
 * `false` is a failure: the client is asked to come back (451 4.3.0).
 *
 * @param user - the name by which the user has logged in
 * @param options - `signal` fires when nobody waits for the answer any more
 */
export type SenderLookup = (
  user: string,
  sender: SenderAddress,
  options: { readonly signal: AbortSignal },
) => Awaitable<boolean>;

/**
 * For each user its addresses and domains: `ann@example.com` is this mailbox, `example.com` all mailboxes of this domain,
 * `.example.com` all of its subdomains.
 */
export type SenderEntries =
  | ReadonlyMap<string, readonly string[] | ReadonlySet<string>>
  | Readonly<Record<string, readonly string[] | ReadonlySet<string>>>;

function isTextList(value: unknown): value is readonly string[] | ReadonlySet<string> {
  return (Array.isArray(value) || value instanceof Set) && [...value].every((each) => typeof each === 'string');
}

/** Whether a value, of which nothing is known, could be the argument of {@link senderMap}: down to the texts, not into them. */
export function isSenderEntries(value: unknown): value is SenderEntries {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Set) return false;
  const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  return [...entries].every(([user, addresses]) => typeof user === 'string' && isTextList(addresses));
}

/** @throws RangeError that begins with `owner` and names the entry that is no address */
export function compileSenders(owner: string, entries: SenderEntries, comparison: MailboxComparison): SenderLookup {
  const users = new Map<string, MailboxSet>();
  for (const [user, addresses] of entries instanceof Map ? entries : Object.entries(entries)) {
    users.set(user, new MailboxSet(addresses, `${owner}: user ${JSON.stringify(user)}`, comparison));
  }
  return (user, sender) => users.get(user)?.has(sender) === true;
}

/**
 * Users with their sender addresses, as `relayAcl` takes them for `senders`; to be used where addresses are to be compared
 * in another way than by default. A copy is kept: who adds users makes a new one, or asks a database by a function.
 *
 * Domains compare without regard to case, in Unicode or as A-labels; the user's name and the local part exactly, unless
 * `ignoreCase` says otherwise. A user that is not there has no address.
 *
 * @param options - `ignoreCase`, default `false`; `subaddressSeparator`, default none
 * @throws TypeError or RangeError that names the option or the entry
 *
 * @example
 * ```ts
 * import { relayAcl, senderMap } from '@postern/relay-acl';
 *
 * const senders = senderMap(
 *   { ann: ['ann@example.com', 'sales@example.com'], newsletter: ['news.example.com'] },
 *   { subaddressSeparator: '+' },
 * );
 * const check = relayAcl({ localDomains: ['example.com'], senders });
 * ```
 */
export function senderMap(entries: SenderEntries, options?: MailboxSetOptions): SenderLookup {
  if (!isSenderEntries(entries)) {
    throw new TypeError('senderMap: entries must be a map or an object from user names to lists of addresses');
  }
  return compileSenders('senderMap', entries, readComparison('senderMap', options, false));
}
