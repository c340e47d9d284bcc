import { gunzipSync } from 'node:zlib';
import { readZipEntry } from './zip-entry.ts';

/** The text of a report file, or why there is none. */
export type ReportText =
  | { readonly ok: true; readonly text: string; readonly damaged: boolean }
  | { readonly ok: false; readonly reason: 'too-large' | 'bad-archive'; readonly detail: string };

/** The declared encoding stands in the first bytes of a document. */
const DECLARATION_BYTES = 200;
const ENCODING = /^<\?xml[^>?]{0,100}\sencoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._-]{1,40})["']/;

/**
 * Unpacks a report file and decodes its text. What it is shows in its first bytes: gzip, ZIP, or XML as it is; names and
 * media types of attachments are often wrong.
 *
 * @param maxBytes - of the file unpacked; decompression stops there
 */
export function readReportText(file: Uint8Array, maxBytes: number): ReportText {
  const unpacked = unpack(file, maxBytes);
  return unpacked.ok ? decode(unpacked.bytes) : unpacked;
}

function unpack(file: Uint8Array, maxBytes: number): ReturnType<typeof readZipEntry> {
  if (file[0] === 0x1f && file[1] === 0x8b) return unpackGzip(file, maxBytes);
  if (file[0] === 0x50 && file[1] === 0x4b) return readZipEntry(file, maxBytes);
  if (file.length > maxBytes) return tooLarge(maxBytes);
  return { ok: true, bytes: file };
}

function unpackGzip(file: Uint8Array, maxBytes: number): ReturnType<typeof readZipEntry> {
  try {
    return { ok: true, bytes: gunzipSync(file, { maxOutputLength: maxBytes }) };
  } catch (error) {
    if (error instanceof RangeError) return tooLarge(maxBytes);
    return { ok: false, reason: 'bad-archive', detail: 'The report cannot be decompressed.' };
  }
}

function tooLarge(maxBytes: number): ReturnType<typeof readZipEntry> {
  return { ok: false, reason: 'too-large', detail: `The report has more than ${maxBytes} bytes.` };
}

/** XML 1.0 §4.3.3: a byte order mark, else what the declaration says, else UTF-8. */
function decode(bytes: Uint8Array): ReportText {
  const label = byteOrder(bytes) ?? declaredEncoding(bytes) ?? 'utf-8';
  const text = decodeAs(label, bytes, true);
  if (text !== undefined) return { ok: true, text, damaged: false };
  // Bytes that are none of its characters, or no encoding that anybody knows.
  const best = decodeAs(label, bytes, false) ?? new TextDecoder('utf-8').decode(bytes);
  return { ok: true, text: best, damaged: true };
}

function byteOrder(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

function declaredEncoding(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, DECLARATION_BYTES));
  const label = ENCODING.exec(start.toString('latin1'))?.[1]?.toLowerCase();
  // A document whose declaration can be read byte by byte is not in UTF-16, whatever it says.
  return label?.startsWith('utf-16') ? undefined : label;
}

function decodeAs(label: string, bytes: Uint8Array, fatal: boolean): string | undefined {
  try {
    return new TextDecoder(label, { fatal }).decode(bytes);
  } catch {
    return undefined;
  }
}
