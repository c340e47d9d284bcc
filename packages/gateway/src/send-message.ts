import type { DeliveryResult, SmtpReply } from '@postern/core';
import type { AsciiGuard } from './ascii-guard.ts';
import { backendReplies, toClientReply } from './backend-reply.ts';
import { DotStuffer } from './dot-stuffer.ts';
import type { Heard, SmtpDialogue } from './smtp-dialogue.ts';

/** How long the server may take for a message, in milliseconds. */
export interface SendTimes {
  /** For taking one more part of the message. */
  readonly dataTimeoutMs: number;
  /** For the reply to the final dot. */
  readonly finalTimeoutMs: number;
}

/**
 * Sends a message behind the server's 354, and its final dot only when the bytes ended as they should; in every other case
 * the connection is destroyed, so that the server cannot take what it got for a whole message.
 *
 * Before the dot is sent the server certainly does not have the message. From then on only its reply tells, and without one
 * the outcome is `unknown`.
 *
 * @param bytes - each chunk stays as it is until the next one but one has been taken
 * @param guard - of a message that must keep to ASCII, with the reply if it does not
 */
export async function sendMessage(
  dialogue: SmtpDialogue,
  bytes: AsyncIterable<Uint8Array>,
  guard: { readonly ascii: AsciiGuard; readonly reply: SmtpReply } | undefined,
  { dataTimeoutMs, finalTimeoutMs }: SendTimes,
): Promise<DeliveryResult> {
  const stuffer = new DotStuffer();
  const final = dialogue.expect();
  // One chunk is held back, so that the last one and the dot leave together.
  let held: Uint8Array | undefined;
  try {
    for await (const chunk of bytes) {
      if (held !== undefined) await dialogue.send(held, dataTimeoutMs);
      if (!dialogue.expecting) break;
      if (guard?.ascii.write(chunk) === false) return giveUp(dialogue, guard.reply);
      held = stuffer.write(chunk);
    }
  } catch {
    return giveUp(dialogue, backendReplies.sourceFailed);
  }
  if (!dialogue.expecting) return giveUp(dialogue, early(await final));
  const timer = setTimeout(() => dialogue.destroy('timeout'), finalTimeoutMs).unref();
  dialogue.sendLast(held, stuffer.end());
  const heard = await final;
  clearTimeout(timer);
  return judge(dialogue, heard);
}

function giveUp(dialogue: SmtpDialogue, reply: SmtpReply): DeliveryResult {
  dialogue.destroy();
  return { outcome: 'refused', reply };
}

/** What the server said before it had the whole message: that it does not want it, or nothing that counts. */
function early(heard: Heard): SmtpReply {
  if (heard.kind === 'lost') return backendReplies.lost;
  const reply = toClientReply(heard.reply, '2.0.0');
  return reply.code >= 400 ? reply : backendReplies.protocol;
}

function judge(dialogue: SmtpDialogue, heard: Heard): DeliveryResult {
  if (heard.kind === 'lost') return { outcome: 'unknown', reply: backendReplies.lostAfterMessage };
  const { code } = heard.reply;
  const reply = toClientReply(heard.reply, '2.0.0');
  // RFC 5321 §3.8: behind a 421 the server hangs up.
  if (code === 421 || code < 200 || (code >= 300 && code < 400)) dialogue.destroy();
  if (code >= 400) return { outcome: 'refused', reply };
  return { outcome: code < 300 && code >= 200 ? 'delivered' : 'unknown', reply };
}
