import type { SmtpReply, TransientReply } from '@postern/core';

/** What went wrong between us and the server behind us. */
type BackendTrouble =
  | 'unreachable'
  | 'busy'
  | 'lost'
  | 'lostAfterMessage'
  | 'misconfigured'
  | 'protocol'
  | 'sourceFailed'
  | 'closed';

/** What the client is told of it: always to try again, with an enhanced code of RFC 3463 §3. */
export const backendReplies: Readonly<Record<BackendTrouble, TransientReply>> = {
  unreachable: reply451('4.4.1', 'The next mail server cannot be reached; try again later'),
  busy: reply451('4.4.5', 'The next mail server is busy; try again later'),
  lost: reply451('4.4.2', 'The connection to the next mail server broke; try again later'),
  lostAfterMessage: reply451(
    '4.4.2',
    'The connection to the next mail server broke before it answered; try again later',
  ),
  misconfigured: reply451('4.3.5', 'The way to the next mail server is wrongly configured; try again later'),
  protocol: reply451('4.5.0', 'The next mail server answered unexpectedly; try again later'),
  sourceFailed: reply451('4.3.0', 'The message could not be read back; try again later'),
  closed: reply451('4.3.2', 'The server is shutting down; try again later'),
};

function reply451(enhanced: TransientReply['enhanced'], text: string): TransientReply {
  return { code: 451, enhanced, text };
}

const MAX_TEXT = 400;
const notPrintable = /[^ -~]/g;

/**
 * Errors that say something about us, not about the message or its recipient (commands unknown or out of order, TLS or a
 * login missing, parameters not known). Passed on, they would make the client give up mail because we are wrongly configured.
 */
const aboutUs: ReadonlySet<number> = new Set([500, 502, 503, 504, 530, 534, 535, 538, 555]);

/**
 * A server's reply as the client gets to hear it: the same code with its own enhanced code, or else `byDefault` or
 * `4.0.0`/`5.0.0`; its text on one line, in printable ASCII, cut at 400 characters. 421 becomes 451: it is our connection
 * that ends, not the client's.
 *
 * @param byDefault - the enhanced code of a 2yz reply that has none
 */
export function toClientReply({ code, enhanced, text }: SmtpReply, byDefault: string): SmtpReply {
  if (code >= 300 && code < 400) return backendReplies.protocol;
  if (aboutUs.has(code)) return backendReplies.misconfigured;
  const replyClass = String(code).charAt(0);
  const shown = text.slice(0, MAX_TEXT).trim().replaceAll('\n', ' ').replace(notPrintable, '?');
  return {
    code: code === 421 ? 451 : code,
    enhanced: enhanced || (replyClass === '2' ? byDefault : `${replyClass}.0.0`),
    text: shown || defaultText(replyClass),
  };
}

function defaultText(replyClass: string): string {
  if (replyClass === '2') return 'Ok';
  return replyClass === '4' ? 'The next mail server asks to try again later' : 'The next mail server refused';
}
