import { type PermanentReply, reverseDnsFailed, senderNullMx, type TransientReply } from '@postern/core';
import type { ReverseDnsRule } from './reverse-dns-rule.ts';

/** What a rule tells the client: the enhanced status code's subject and detail (RFC 3463), and what to do. */
interface RuleText {
  readonly detail: `${number}.${number}`;
  readonly text: string;
}

/** RFC 7372 §3.3: reverse DNS validation. */
const REVERSE = '7.25';
/** RFC 3463 §3.6: invalid command arguments. */
const ARGUMENT = '5.4';
/** RFC 3463 §3.2: bad sender's system address. */
const SENDER = '1.8';
/** RFC 7505 §4.2: sender address has null MX. */
const NULL_MX = '7.27';
/** RFC 3463 §3.8: delivery not authorized. */
const POLICY = '7.1';

const texts: Readonly<Record<ReverseDnsRule, RuleText>> = {
  noReverseName: { detail: REVERSE, text: reverseDnsFailed.text },
  notConfirmed: { detail: REVERSE, text: reverseDnsFailed.text },
  genericName: {
    detail: REVERSE,
    text: 'The reverse name of your address looks like one of a dial-up pool. Give the mail server a name of its own, or send through the server of your provider.',
  },
  reverseUnknown: {
    detail: REVERSE,
    text: 'The reverse name of your address could not be looked up. See to it that its name servers answer.',
  },
  heloSyntax: {
    detail: ARGUMENT,
    text: 'What stands behind HELO or EHLO is neither a domain nor an address literal in brackets. Give the full name of your host.',
  },
  heloLiteral: {
    detail: POLICY,
    text: 'The address behind HELO or EHLO is not the one that you connect from. Give the full name of your host.',
  },
  heloOwnName: {
    detail: POLICY,
    text: 'HELO or EHLO names this server and not yours. Give the full name of your host.',
  },
  heloLocalhost: {
    detail: POLICY,
    text: 'HELO or EHLO says "localhost", and you come from another host. Give the full name of your host.',
  },
  heloNotQualified: {
    detail: POLICY,
    text: 'The name behind HELO or EHLO has no domain. Give the full name of your host.',
  },
  heloUnresolvable: {
    detail: POLICY,
    text: 'The name behind HELO or EHLO has no address. Give the full name of your host.',
  },
  heloMismatch: {
    detail: POLICY,
    text: 'The name behind HELO or EHLO does not lead to your address. Give the full name of your host.',
  },
  heloUnknown: {
    detail: POLICY,
    text: 'The name behind HELO or EHLO could not be looked up. See to it that its name servers answer.',
  },
  heloNotReverseName: {
    detail: POLICY,
    text: 'The name behind HELO or EHLO is not the reverse name of your address. Let both be the same.',
  },
  senderNullMx: { detail: NULL_MX, text: senderNullMx.text },
  senderNonexistent: {
    detail: SENDER,
    text: 'The domain of the sender does not exist, so nobody could answer. Use an address that can be replied to.',
  },
  senderNoMailHost: {
    detail: SENDER,
    text: 'The domain of the sender has neither a mail server nor an address, so nobody could answer. Use an address that can be replied to.',
  },
  senderOwnAddress: {
    detail: SENDER,
    text: 'Mail to the domain of the sender would come back to this server. Use an address that can be replied to.',
  },
  senderUnusable: {
    detail: SENDER,
    text: 'The mail servers of the domain of the sender cannot be reached from here. The owner of the domain has to correct its MX records.',
  },
  senderMalformed: {
    detail: SENDER,
    text: 'The domain of the sender is malformed. Use an address that can be replied to.',
  },
  senderUnknown: {
    detail: SENDER,
    text: 'The domain of the sender could not be looked up. See to it that its name servers answer.',
  },
};

/** The reply of a rule that rejects. */
export function rejectReply(rule: ReverseDnsRule): PermanentReply {
  const { detail, text } = texts[rule];
  return { code: 550, enhanced: `5.${detail}`, text };
}

/** The reply of a rule that defers. */
export function deferReply(rule: ReverseDnsRule): TransientReply {
  const { detail, text } = texts[rule];
  return { code: 451, enhanced: `4.${detail}`, text };
}
