import type { Path, PermanentReply, Transaction } from '@postern/core';
import type { Extensions } from './open-dialogue.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const notInPath = /[\u0000-\u001f\u007f<>]/;
const printable = /^[ -~]*$/;
/** RFC 1870 §4. */
const sizeValue = /^\d{1,20}$/;

/**
 * MAIL and an RCPT for each recipient, as a server with these extensions takes them; without CRLF. What the client said of
 * its message (SIZE, BODY=8BITMIME, SMTPUTF8) goes on as far as the server knows of it.
 *
 * The reply is that of the address that cannot go on: 553 5.1.7 or 5.1.3 when it has characters that no address has,
 * 553 5.6.7 (RFC 6531 §3.5) when it is not ASCII, and the client has not asked for SMTPUTF8 or the server does not offer it.
 */
export function envelopeCommands(
  transaction: Transaction,
  recipients: readonly Path[],
  extensions: Extensions,
): readonly string[] | PermanentReply {
  const { reversePath } = transaction;
  const international = isInternational(transaction) && extensions.has('SMTPUTF8');
  const from = written(reversePath, international);
  if (from === undefined) return refusal(reversePath, '5.1.7');
  const { SIZE, BODY } = reversePath.parameters;
  let mail = `MAIL FROM:<${from}>`;
  if (typeof SIZE === 'string' && sizeValue.test(SIZE) && extensions.has('SIZE')) mail += ` SIZE=${SIZE}`;
  if (typeof BODY === 'string' && BODY.toUpperCase() === '8BITMIME' && extensions.has('8BITMIME'))
    mail += ' BODY=8BITMIME';
  if (international) mail += ' SMTPUTF8';
  const commands = [mail];
  for (const recipient of recipients) {
    const to = written(recipient, international);
    if (to === undefined) return refusal(recipient, '5.1.3');
    commands.push(`RCPT TO:<${to}>`);
  }
  return commands;
}

/** Whether the client announced an internationalized message (RFC 6531 §3.4). */
export function isInternational({ reversePath }: Transaction): boolean {
  const { SMTPUTF8 } = reversePath.parameters;
  return SMTPUTF8 !== undefined;
}

/** The address as it goes on, if it can: a domain of U-labels alone is no obstacle, it has A-labels too (RFC 5890). */
function written({ address, localPart, domain }: Path, international: boolean): string | undefined {
  if (notInPath.test(address)) return undefined;
  if (international || printable.test(address)) return address;
  if (domain === '' || notInPath.test(domain)) return undefined;
  const ascii = `${localPart}@${domain}`;
  return printable.test(ascii) ? ascii : undefined;
}

function refusal({ address }: Path, enhanced: PermanentReply['enhanced']): PermanentReply {
  return notInPath.test(address)
    ? { code: 553, enhanced, text: 'The address has characters that cannot stand in one' }
    : { code: 553, enhanced: '5.6.7', text: 'An address that is not ASCII cannot be forwarded from here' };
}
