/**
 * Why a receiver does not do what the domain owner asks for, in the words of aggregate reports (RFC 9990).
 *
 * - `local_policy`: a rule of the receiver's own.
 * - `mailing_list`: the message came by a mailing list, which breaks signatures.
 * - `trusted_forwarder`: it came from a host that is known to pass on others' mail.
 * - `policy_test_mode`: the owner's record says `t=y`.
 * - `other`: something else; the comment says what.
 */
export type DmarcOverrideType = 'local_policy' | 'mailing_list' | 'trusted_forwarder' | 'policy_test_mode' | 'other';

/** A reason for which the disposition of a message is not the published policy: `reason` of RFC 9990. */
export interface DmarcOverride {
  readonly type: DmarcOverrideType;
  /** For a person; ends up in aggregate reports. */
  readonly comment: string | undefined;
}
