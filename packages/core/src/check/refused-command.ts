import type { SmtpReply } from '../smtp/smtp-reply.ts';
import type { Finding } from './finding.ts';

/**
 * What a client was just refused. `recipient`: a recipient, by a check, the gateway or the backend. `login`: a login that
 * checks were asked about; the finding is what it was refused for. `command`: something that no check was asked about,
 * because it is unknown, malformed or out of order.
 */
export type RefusedCommand = {
  /** 4yz or 5yz, and no 421. */
  readonly reply: SmtpReply;
} & ({ readonly kind: 'recipient' | 'command' } | { readonly kind: 'login'; readonly finding: Finding });
