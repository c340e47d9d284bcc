import type { PermanentReply, TransientReply } from './smtp-reply.ts';

// The replies that several packages give. A reply that can say more, which list or which limit, is made where that is
// known. Each text tells the sender, who reads it in a bounce, what to do.

/** Nobody said that mail to this recipient is wanted (RFC 5321 §3.6.2; RFC 3463 §3.8: delivery not authorized). */
export const relayDenied: PermanentReply = {
  code: 550,
  enhanced: '5.7.1',
  text: 'Relaying denied: this server does not take mail for that recipient from you. Log in, or send through the server of your own provider.',
};

/** A check failed, or what it depends on: neither yes nor no is known (RFC 3463 §3.4: other or undefined system status). */
export const checkFailed: TransientReply = {
  code: 451,
  enhanced: '4.3.0',
  text: 'The message could not be checked right now. Please try again later.',
};

/** RFC 7372 §3.2: SPF validation failed. */
export const spfFailed: PermanentReply = {
  code: 550,
  enhanced: '5.7.23',
  text: 'SPF validation failed: the domain of the sender does not allow this host to send for it. Send through a server that its SPF record names.',
};

/** RFC 7372 §3.2: SPF validation error, a temporary one. */
export const spfTemporaryError: TransientReply = {
  code: 451,
  enhanced: '4.7.24',
  text: 'The SPF record of the sender could not be looked up. Please try again later.',
};

/** RFC 7372 §3.2: SPF validation error, one that stays until the record is mended. */
export const spfPermanentError: PermanentReply = {
  code: 550,
  enhanced: '5.7.24',
  text: 'The SPF record of the sender cannot be evaluated. The owner of the domain has to correct it.',
};

/** RFC 7372 §3.3: reverse DNS validation failed. */
export const reverseDnsFailed: PermanentReply = {
  code: 550,
  enhanced: '5.7.25',
  text: 'Reverse DNS validation failed: the address of the sending host needs a PTR record whose name leads back to it.',
};

/** RFC 7372 §3.4: multiple authentication checks failed. */
export const multipleChecksFailed: PermanentReply = {
  code: 550,
  enhanced: '5.7.26',
  text: 'Multiple authentication checks failed: the message is neither signed by nor sent from a host of the domain in its From field.',
};

/** RFC 7505 §4.2: sender address has null MX. */
export const senderNullMx: PermanentReply = {
  code: 550,
  enhanced: '5.7.27',
  text: 'The domain of the sender takes no mail (null MX), so nobody could answer. Use an address that can be replied to.',
};

/** RFC 7505 §4.1: recipient address has null MX. */
export const recipientNullMx: PermanentReply = {
  code: 556,
  enhanced: '5.1.10',
  text: 'The domain of the recipient takes no mail (null MX). Check the address.',
};

/** Ends the session (RFC 5321 §3.8). */
export const tooManyConnections: TransientReply = {
  code: 421,
  enhanced: '4.7.0',
  text: 'Too many connections from your network. Close some and try again later.',
};

/** The client sends faster than its limits allow. */
export const rateExceeded: TransientReply = {
  code: 450,
  enhanced: '4.7.1',
  text: 'You send faster than this server allows. Please slow down and try again later.',
};

/** RFC 5321 §4.5.3.1.10: 452, so that the client sends the message to the rest in a transaction of their own. */
export const tooManyRecipients: TransientReply = {
  code: 452,
  enhanced: '4.5.3',
  text: 'Too many recipients for one message. Send it to the others in a transaction of their own.',
};

/** RFC 4954 §6: authentication required. */
export const authenticationRequired: PermanentReply = {
  code: 530,
  enhanced: '5.7.0',
  text: 'Authentication required. Log in to send through this server.',
};

/** RFC 4954 §6: authentication credentials invalid. Does not say which of them. */
export const authenticationFailed: PermanentReply = {
  code: 535,
  enhanced: '5.7.8',
  text: 'The user name or password is wrong. Check them and log in again.',
};

/** RFC 4954 §6: temporary authentication failure. */
export const authenticationThrottled: TransientReply = {
  code: 454,
  enhanced: '4.7.0',
  text: 'Too many failed logins. Please try again later.',
};
