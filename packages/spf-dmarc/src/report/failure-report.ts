import type { MethodResult } from '@postern/core';

/**
 * What a failure report is about (RFC 6591 §3.3, RFC 9991 §4): `dmarc`, no aligned identifier was authenticated by some or
 * all mechanisms; `bodyhash`, `signature` and `revoked`, of DKIM; `spf`. `adsp` is historic.
 */
export type AuthFailure = 'adsp' | 'bodyhash' | 'dmarc' | 'revoked' | 'signature' | 'spf';

/** What became of the message (RFC 6591 §3.2.2). */
export type DeliveryResult = 'delivered' | 'spam' | 'policy' | 'reject' | 'other';

/** The facts of a failure report: its `message/feedback-report` part (RFC 5965 §3, RFC 6591 §3, RFC 9991 §4). */
export interface FailureFacts {
  readonly authFailure: AuthFailure;
  /** The author domain. */
  readonly reportedDomain: string;
  /** The mechanisms that did not authenticate an aligned identifier. */
  readonly identityAlignment: readonly ('dkim' | 'spf')[];
  /** The client's address, in text. */
  readonly sourceIp: string;
  /** When the message came, in milliseconds since the epoch. */
  readonly arrivedAt: number;
  /** What was found, as for an Authentication-Results field. */
  readonly results: readonly MethodResult[];
  /** The reverse-path; `''` for the null one. Default: not written. */
  readonly mailFrom?: string;
  /** The recipients. Default: not written. */
  readonly recipients?: readonly string[];
  /** The ENVID of the client, or the id under which the server's log knows the message. Default: not written. */
  readonly envelopeId?: string;
  readonly deliveryResult?: DeliveryResult;
  /** Of an aligned signature that failed (RFC 9991 §4: required then). */
  readonly dkim?: { readonly domain: string; readonly selector: string; readonly identity: string };
  /** The SPF records of an aligned domain that failed (RFC 9991 §4: required then). */
  readonly spfDns?: readonly { readonly domain: string; readonly record: string }[];
}
