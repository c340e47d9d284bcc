import type { Client, Path, Session, Transaction } from '@postern/core';

/** What stands in a `Received` field. */
export interface ReceivedFacts {
  /** Our own name. */
  readonly hostname: string;
  readonly transaction: Transaction;
  /** When the message came; milliseconds since the epoch. */
  readonly receivedAt: number;
}

// Each of these is one character class that is repeated: nothing to backtrack on.
const domain = /^[0-9A-Za-z._-]{1,255}$/;
const addressLiteral = /^\[[0-9A-Za-z:.-]{1,253}\]$/;
const notInDomain = /[^0-9A-Za-z._-]/g;
const address = /^[0-9A-Fa-f:.]{2,45}$/;
const tlsWord = /^[0-9A-Za-z._-]{1,80}$/;
const printable = /^[!-;=?-~]{1,320}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const notInternational = /[\u0000- <>\u007f-\u00a0\u2028\u2029\ufeff]/;

/**
 * The trace field that a server puts on top of a message (RFC 5321 §4.4), folded, with its CRLF: who came, from which
 * address, to whom, with which protocol and TLS (in a comment), the transaction's id and the time in UTC. The recipient
 * stands in it only if there is no other one, who would learn of it. Who logged in does not.
 *
 * What the client said of itself cannot be more than one word there: a HELO that is neither a domain nor an address
 * literal has `?` for each odd character.
 *
 * @example
 * ```ts
 * receivedField({ hostname: 'mx.example.net', transaction, receivedAt: Date.now() });
 * // Received: from mail.example.org ([192.0.2.1])
 * //  by mx.example.net with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id 7f3a
 * //  for <user@example.net>; Sun, 22 Nov 2026 01:00:00 +0000
 * ```
 */
export function receivedField({ hostname, transaction, receivedAt }: ReceivedFacts): string {
  const { session, recipients, reversePath } = transaction;
  const { SMTPUTF8: international } = reversePath.parameters;
  const only = recipients.length === 1 ? recipients[0] : undefined;
  const from = `from ${heloWord(session.helo)} (${clientLiteral(session.client)})`;
  const by = `by ${hostname} with ${protocol(session, international !== undefined)}${tlsComment(session)} id ${transaction.id}`;
  const forWhom = only === undefined ? '' : forClause(only, international !== undefined);
  return `Received: ${from}\r\n ${by}${forWhom}; ${dateTime(receivedAt)}\r\n`;
}

function heloWord(helo: string | undefined): string {
  if (helo === undefined || helo === '') return 'unknown';
  if (domain.test(helo) || addressLiteral.test(helo)) return helo;
  return helo.slice(0, 255).replace(notInDomain, '?');
}

/** `TCP-info` of RFC 5321 §4.4: an address literal (§4.1.3). */
function clientLiteral({ address: text, ip }: Client): string {
  if (ip === undefined) return 'unknown';
  // Without the zone of a link-local address (RFC 4007 §11).
  const percent = text.indexOf('%');
  const bare = percent === -1 ? text : text.slice(0, percent);
  if (!address.test(bare)) return 'unknown';
  return ip.family === 4 ? `[${bare}]` : `[IPv6:${bare}]`;
}

/** The words of RFC 3848, and of RFC 6531 §4.3 for an internationalized message. */
function protocol(session: Session, international: boolean): string {
  if (!session.esmtp) return 'SMTP';
  const secured = session.tls === undefined ? '' : 'S';
  const authenticated = session.user === undefined ? '' : 'A';
  return `${international ? 'UTF8SMTP' : 'ESMTP'}${secured}${authenticated}`;
}

function tlsComment({ tls }: Session): string {
  if (tls === undefined || !tlsWord.test(tls.protocol) || !tlsWord.test(tls.cipher)) return '';
  return ` (${tls.protocol} ${tls.cipher})`;
}

function forClause(path: Path, international: boolean): string {
  const text = path.address;
  if (text === '') return '';
  const safe =
    printable.test(text) || (international && Buffer.byteLength(text) <= 320 && !notInternational.test(text));
  return safe ? `\r\n for <${text}>` : '';
}

/** RFC 5322 §3.3. */
function dateTime(ms: number): string {
  const withZone = new Date(ms).toUTCString();
  return `${withZone.slice(0, -'GMT'.length)}+0000`;
}
