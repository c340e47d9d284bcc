import { createHash, createSign, generateKeyPairSync } from 'node:crypto';
import type { Resolver } from '@postern/core';
import { type DkimMessage, signDkim } from '@postern/spf-dmarc';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
export const rsaKey = publicKey;
/** `p=` of the one key. */
export const keyData: string = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
export const keyRecord: string = `v=DKIM1; k=rsa; p=${keyData}`;
export const keyName = 'key1._domainkey.example.org';

const answer = JSON.parse(JSON.stringify({ kind: 'records', records: [keyRecord], ttl: 3_600, authentic: false }));
/** Knows the one key, and answers at once. */
export const resolver: Resolver = { resolve: () => Promise.resolve(answer) };

/** A body of at least so many bytes, out of whole lines. */
export function fill(bytes: number, line: (n: number) => string): string {
  const lines: string[] = [];
  for (let size = 0, n = 0; size < bytes; n++) {
    const next = line(n);
    lines.push(next);
    size += next.length;
  }
  return lines.join('');
}

const words =
  'the quick brown fox jumps over a lazy dog and writes an invoice about it to customers of the company'.split(' ');

/** What people write. */
export function textLine(n: number): string {
  return `${Array.from({ length: 12 }, (_, at) => words[(n * 7 + at * 3) % words.length]).join(' ')}\r\n`;
}

/** What programs write: indented by two spaces a level. */
export function htmlLine(n: number): string {
  const cell = `<td class="cell" style="padding:0 8px">${words[n % words.length]} ${words[(n * 5) % words.length]}</td>`;
  return `${' '.repeat(2 * (n % 8))}${cell}\r\n`;
}

/** What is attached. */
export function base64Line(n: number): string {
  return `${createHash('sha512').update(String(n)).digest('base64').slice(0, 76)}\r\n`;
}

/** A message of so many bytes as they come: text, the same as HTML, and from some size on an attachment. */
export function mixedBody(bytes: number): string {
  const written = Math.min(bytes, 40_000);
  const text = fill(Math.ceil(written / 4), textLine);
  const html = fill(written - text.length, htmlLine);
  return text + html + fill(bytes - text.length - html.length, base64Line);
}

/** The header of a message after a few hops, about 1 KB. */
export const header: string = [
  'Received: from mail.example.org (mail.example.org [192.0.2.1])',
  '\tby mx.example.net with ESMTPS id 4f1b2c3d',
  '\tfor <someone@example.net>; Thu, 21 May 2026 10:00:00 +0000',
  'From: Ann Example <ann@example.org>',
  'To: Someone <someone@example.net>',
  'Subject: A message of the usual kind, about nothing in particular',
  'Date: Thu, 21 May 2026 09:59:58 +0000',
  'Message-ID: <20260521095958.4f1b2c3d@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b1_4f1b2c3d"',
  '',
  '',
].join('\r\n');

/** The signature of a message, to be put before it. */
export async function sign(canonicalization: 'simple' | 'relaxed', message: DkimMessage): Promise<Buffer> {
  const c = `${canonicalization}/${canonicalization}` as const;
  const signatures = [{ domain: 'example.org', selector: 'key1', key: privateKey, canonicalization: c }];
  const signed = await signDkim(message, { signatures, bareNewlines: 'normalize' });
  if (!signed.ok) throw new Error(signed.detail);
  return Buffer.from(signed.header);
}

/** A signed message of about so many bytes. */
export async function signedMessage(canonicalization: 'simple' | 'relaxed', body: string): Promise<Buffer> {
  const message = Buffer.from(header + body);
  return Buffer.concat([await sign(canonicalization, message), message]);
}

/** A signature to check a prepared key with. */
export const sample: { readonly bytes: Buffer; readonly signature: Buffer } = (() => {
  const bytes = Buffer.from(header);
  return { bytes, signature: createSign('sha256').update(bytes).sign(privateKey) };
})();
