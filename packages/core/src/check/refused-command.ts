import type { SmtpReply } from '../smtp/smtp-reply.ts';

/**
 * What a client was just refused. `recipient`: a recipient, by a check, the gateway or the backend. `command`: something
 * that no check was asked about, because it is unknown, malformed or out of order.
 */
export interface RefusedCommand {
  readonly kind: 'recipient' | 'command';
  /** 4yz or 5yz, and no 421. */
  readonly reply: SmtpReply;
}
