import { randomUUID } from 'node:crypto';
import { formatHeaderField } from '@postern/core';

/** A message that is ready to be sent. */
export interface ReportMail {
  /** For MAIL FROM. What bounces comes back there: it must not be answered with a report. */
  readonly mailFrom: string;
  /** The one recipient. */
  readonly recipient: string;
  readonly subject: string;
  /** The complete message (RFC 5322) with CRLF, in 7-bit ASCII unless a failure report quotes other bytes. */
  readonly message: Uint8Array;
}

/** One part of a message (RFC 2045). */
export interface MailPart {
  /** The value of Content-Type. */
  readonly type: string;
  /** The value of Content-Disposition. Default: not written. */
  readonly disposition?: string;
  readonly encoding: '7bit' | '8bit' | 'base64';
  /** As it is before base64; with CRLF when it is text. */
  readonly content: Uint8Array;
}

/** What stands at the top of a report. */
export interface MailHead {
  readonly from: string;
  readonly recipient: string;
  readonly subject: string;
  readonly messageId: string;
  /** Milliseconds since the epoch. */
  readonly date: number;
  /** The value of Content-Type, but for its boundary. */
  readonly type: string;
}

/** RFC 2045 §6.8. */
const BASE64_LINE = 76;

/**
 * A message of several parts. It says of itself that nobody wrote it (RFC 3834 §5), so that no responder answers it, and
 * that it wants no delivery notice of any kind.
 */
export function formatReportMail(head: MailHead, parts: readonly MailPart[]): ReportMail {
  // Nobody who wrote any of the parts can have known it.
  const boundary = `=_${randomUUID()}`;
  const fields = [
    ['From', `<${head.from}>`],
    ['To', `<${head.recipient}>`],
    ['Subject', head.subject],
    ['Date', mailDate(head.date)],
    ['Message-ID', `<${head.messageId}>`],
    ['Auto-Submitted', 'auto-generated'],
    ['MIME-Version', '1.0'],
    ['Content-Type', `${head.type}; boundary="${boundary}"`],
  ] as const;
  const chunks: Uint8Array[] = [Buffer.from(fields.map(([name, value]) => formatHeaderField(name, value)).join(''))];
  for (const { type, disposition, encoding, content } of parts) {
    const header =
      `\r\n--${boundary}\r\n${formatHeaderField('Content-Type', type)}` +
      (disposition === undefined ? '' : formatHeaderField('Content-Disposition', disposition)) +
      `${formatHeaderField('Content-Transfer-Encoding', encoding)}\r\n`;
    chunks.push(Buffer.from(header), encoding === 'base64' ? base64Lines(content) : content);
  }
  chunks.push(Buffer.from(`\r\n--${boundary}--\r\n`));
  return { mailFrom: head.from, recipient: head.recipient, subject: head.subject, message: Buffer.concat(chunks) };
}

/** RFC 5322 §3.3, in UTC. */
export function mailDate(date: number): string {
  return new Date(date).toUTCString().replace(/GMT$/, '+0000');
}

function base64Lines(content: Uint8Array): Uint8Array {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64');
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += BASE64_LINE) lines.push(text.slice(at, at + BASE64_LINE));
  return Buffer.from(lines.join('\r\n'));
}
