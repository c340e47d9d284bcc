import type { SmtpReply } from '@postern/core';

/** Leaves room for the code, the enhanced status code and an id in the 512 octets of a line (RFC 5321 §4.5.3.1.5). */
const LONGEST_TEXT = 440;

/** The reply with the id by which the postmaster finds the report about it. */
export function withId(reply: SmtpReply, id: string): SmtpReply {
  const { code, enhanced, text } = reply;
  const short = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}...` : text;
  return { code, enhanced: enhanced === '' ? `${Math.trunc(code / 100)}.0.0` : enhanced, text: `${short} (${id})` };
}

/** The reply as a greeting: only 220, 421 and 554 can be one (RFC 5321 §4.3.2). */
export function asGreeting(reply: SmtpReply): SmtpReply {
  if (reply.code < 400) return reply;
  return { ...reply, code: reply.code < 500 ? 421 : 554 };
}
