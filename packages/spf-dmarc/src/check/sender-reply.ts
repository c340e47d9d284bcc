import type { PermanentReply, TransientReply } from '@postern/core';

/** Domains come from the message; what is no domain is not quoted at length. */
function named(domain: string | undefined): string {
  if (domain === undefined || domain === '') return 'the sender';
  return domain.slice(0, 253).replace(/[^!-~]/g, '?');
}

/** RFC 7372 §3.2. */
export function spfFailedReply(domain: string, ip: string): PermanentReply {
  const text = `SPF validation failed: ${named(domain)} does not allow ${ip} to send for it. Send through a server that its SPF record names.`;
  return { code: 550, enhanced: '5.7.23', text };
}

/** RFC 7372 §3.2. */
export function spfTemporaryReply(domain: string): TransientReply {
  const text = `The SPF record of ${named(domain)} could not be looked up. Please try again later.`;
  return { code: 451, enhanced: '4.7.24', text };
}

/** RFC 7372 §3.2. */
export function spfPermanentReply(domain: string): PermanentReply {
  const text = `The SPF record of ${named(domain)} cannot be evaluated. The owner of the domain has to correct it.`;
  return { code: 550, enhanced: '5.7.24', text };
}

/** RFC 7372 §3.4. */
export function dmarcFailedReply(authorDomain: string | undefined): PermanentReply {
  const text = `Multiple authentication checks failed: the message is neither signed by ${named(authorDomain)}, the domain in its From field, nor sent from a host of it. Send it through a server of that domain.`;
  return { code: 550, enhanced: '5.7.26', text };
}

/** A policy of ours that asks for patience. */
export function dmarcDeferredReply(authorDomain: string | undefined): TransientReply {
  const text = `Mail from ${named(authorDomain)} that fails its DMARC policy is not taken right now. Please try again later.`;
  return { code: 451, enhanced: '4.7.1', text };
}

/** Nothing is known: whether the message passes depends on DNS. */
export function dmarcTemporaryReply(authorDomain: string | undefined): TransientReply {
  const text = `The sender could not be authenticated: DNS has no answer about ${named(authorDomain)} for now. Please try again later.`;
  return { code: 451, enhanced: '4.3.0', text };
}

/** RFC 5322 §3.6: exactly one From field; RFC 9989 §11.5: a message without one author domain is suspicious. */
export const badFromReply: PermanentReply = {
  code: 550,
  enhanced: '5.7.1',
  text: 'The message needs exactly one From field, with a mailbox whose domain can be read. Correct it and send the message again.',
};
