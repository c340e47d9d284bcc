import { crc32, inflateRawSync } from 'node:zlib';

/** What a ZIP file holds, or why that cannot be said. */
export type ZipReading =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: 'too-large' | 'bad-archive'; readonly detail: string };

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LOCAL_LENGTH = 30;
/** The end record is followed by a comment of at most so many bytes. */
const LONGEST_COMMENT = 0xffff;
/** A report stands alone in its archive, or beside what some tools add. */
const MAX_ENTRIES = 16;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

/**
 * The first `.xml` of a ZIP file (APPNOTE 6.3.10), or its first file when none is called so. By hand, as RFC 7489 reporters
 * still send ZIP with one file in it, and all that is left to do beside `node:zlib` is to find where that begins.
 *
 * Bounded: looks at 16 entries, and inflates to no more than `maxBytes`, whatever sizes the archive claims. No ZIP64, no
 * encryption, no archives within archives.
 */
export function readZipEntry(archive: Uint8Array, maxBytes: number): ZipReading {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = endOfDirectory(bytes);
  if (end === undefined) return bad('The archive has no directory.');
  const entry = chooseEntry(bytes, bytes.readUInt32LE(end + 16), bytes.readUInt16LE(end + 10));
  if (entry === undefined) return bad('The archive has no file that can be found.');
  if ((entry.flags & ENCRYPTED) !== 0) return bad('The archive is encrypted.');
  if (entry.local + LOCAL_LENGTH > bytes.length || bytes.readUInt32LE(entry.local) !== LOCAL_SIGNATURE) {
    return bad('The directory of the archive points to no file.');
  }
  const start =
    entry.local + LOCAL_LENGTH + bytes.readUInt16LE(entry.local + 26) + bytes.readUInt16LE(entry.local + 28);
  const data = bytes.subarray(start, start + entry.compressed);
  if (data.length !== entry.compressed) return bad('The archive is cut off.');
  return unpack(data, entry, maxBytes);
}

interface ZipEntry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressed: number;
  readonly local: number;
}

function endOfDirectory(bytes: Buffer): number | undefined {
  const first = Math.max(0, bytes.length - END_LENGTH - LONGEST_COMMENT);
  for (let at = bytes.length - END_LENGTH; at >= first; at--) {
    if (bytes.readUInt32LE(at) === END_SIGNATURE) return at;
  }
  return undefined;
}

function chooseEntry(bytes: Buffer, directory: number, count: number): ZipEntry | undefined {
  let chosen: ZipEntry | undefined;
  let at = directory;
  for (let index = 0; index < Math.min(count, MAX_ENTRIES); index++) {
    if (at + ENTRY_LENGTH > bytes.length || bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) break;
    const nameLength = bytes.readUInt16LE(at + 28);
    const entry: ZipEntry = {
      name: bytes.toString('latin1', at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength),
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      compressed: bytes.readUInt32LE(at + 20),
      local: bytes.readUInt32LE(at + 42),
    };
    if (entry.name.toLowerCase().endsWith('.xml')) return entry;
    if (!entry.name.endsWith('/')) chosen ??= entry;
    at += ENTRY_LENGTH + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return chosen;
}

function unpack(data: Buffer, entry: ZipEntry, maxBytes: number): ZipReading {
  if (entry.method !== STORED && entry.method !== DEFLATED) return bad('The archive is compressed in an unknown way.');
  if (entry.method === STORED && data.length > maxBytes) return tooLarge(maxBytes);
  try {
    const bytes = entry.method === STORED ? data : inflateRawSync(data, { maxOutputLength: maxBytes });
    return crc32(bytes) === entry.crc ? { ok: true, bytes } : bad('The file in the archive is damaged.');
  } catch (error) {
    return error instanceof RangeError ? tooLarge(maxBytes) : bad('The file in the archive cannot be decompressed.');
  }
}

function bad(detail: string): ZipReading {
  return { ok: false, reason: 'bad-archive', detail };
}

function tooLarge(maxBytes: number): ZipReading {
  return { ok: false, reason: 'too-large', detail: `The report has more than ${maxBytes} bytes.` };
}
