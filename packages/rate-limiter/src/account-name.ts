import { createHash } from 'node:crypto';
import { userKeyOf } from './rate-subject.ts';

/** No mail system has longer ones; RFC 5321 §4.5.3.1 allows 64 octets and 255 of domain. */
const LONGEST = 1_024;

/**
 * What an account is counted by: its name in one spelling, as a hash of fixed length, so that a store's keys neither grow
 * with what clients send nor show who the users are. Names that only differ in case, width or composition are one account.
 * All names of more than 1,024 characters count as one: no account has such.
 */
export function accountKey(user: string): string {
  if (user.length > LONGEST) return 'too-long';
  return createHash('sha256').update(userKeyOf(user)).digest('base64url');
}
