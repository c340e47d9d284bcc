import { abortable, OptionReader } from '@postern/core';
import { type DkimMessage, readMessage } from './message-chunks.ts';
import { type DkimSigning, refused } from './message-signing.ts';
import { RawMessageSigning } from './raw-message-signing.ts';
import { type DkimSigningOptions, readSigningSettings } from './signing-settings.ts';

/**
 * Signs a message (RFC 6376 §5): all signatures in one pass over its bytes, each body canonicalization hashed once, with
 * no more of it in memory than its header. Ed25519 and RSA keys sign side by side (RFC 8463), for receivers that know only
 * one of them.
 *
 * What comes back goes before the message, which must be sent as it was read: a server that adds fields puts them on top.
 *
 * @returns the fields, or why the message is not one to be signed. It rejects only for a mistake of the caller's: a wrong
 * option (`TypeError`, `RangeError`), a chunk that is no bytes (`TypeError`).
 *
 * @example
 * ```ts
 * import { generateDkimKey, signDkim } from '@postern/spf-dmarc';
 *
 * const { privateKey: key } = await generateDkimKey({ domain: 'example.com', selector: 's2026' });
 * const message = Buffer.from('From: ann@example.com\r\nSubject: hello\r\n\r\nHello\r\n');
 * const signed = await signDkim(message, { signatures: [{ domain: 'example.com', selector: 's2026', key }] });
 * console.log(signed.ok ? signed.header + message.toString() : signed.detail);
 * ```
 */
export async function signDkim(message: DkimMessage, options: DkimSigningOptions): Promise<DkimSigning> {
  const read = new OptionReader('signDkim', options);
  const settings = readSigningSettings(read, 'refuse');
  read.done();
  const signing = new RawMessageSigning(settings);
  const failure = await readMessage(message, (chunk) => signing.write(chunk) !== undefined, settings.signal);
  if (failure !== undefined) return refused('incomplete', failure);
  signing.finish();
  try {
    return await abortable(signing.sign(), settings.signal);
  } catch (error) {
    if (settings.signal?.aborted) return refused('incomplete', 'The caller gave up.');
    throw error;
  }
}
