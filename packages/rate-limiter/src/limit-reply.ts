import { replyOf, type TransientReply } from '@postern/core';

/** How long to wait, in words for a person; rounded up, so that whoever waits so long does not come too early. */
function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds <= 1) return 'in a second';
  if (seconds < 120) return `in ${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `in ${minutes} minutes` : `in ${Math.ceil(minutes / 60)} hours`;
}

function reply(
  code: TransientReply['code'],
  enhanced: TransientReply['enhanced'],
  what: string,
  retryAfterMs: number,
): TransientReply {
  const when = Number.isFinite(retryAfterMs) && retryAfterMs > 0 ? inWords(retryAfterMs) : 'later';
  return replyOf(code, enhanced, `${what}, please try again ${when}`);
}

/** Too many, too fast, or too often wrong: ends the session (RFC 5321 §3.8). */
export function sessionReply(what: string, retryAfterMs: number): TransientReply {
  return reply(421, '4.7.0', what, retryAfterMs);
}

/** RFC 3463 §3.4, X.3.2: system not accepting network messages, because of excessive load for instance. */
export function overloadReply(): TransientReply {
  return reply(421, '4.3.2', 'This server has more to do than it can', 0);
}

/** More messages, or more bytes, than the client may send. */
export function rateReply(what: string, retryAfterMs: number): TransientReply {
  return reply(450, '4.7.1', what, retryAfterMs);
}

/** More recipients than the client may name. RFC 5321 §4.5.3.1.10: 452, so that the others keep theirs. */
export function recipientsReply(retryAfterMs: number): TransientReply {
  return reply(452, '4.5.3', 'Too many recipients in a short time', retryAfterMs);
}
