import { isUtf8 } from 'node:buffer';
import type { JournalHandle } from './journal-disk.ts';
import { LONGEST_LINE } from './journal-line.ts';

/** A line that has its end, without it; `undefined` for one that is too long or not UTF-8, and why. */
export type FileLine =
  | { readonly text: string; readonly end: number }
  | { readonly text: undefined; readonly end: number; readonly fault: string };

const CHUNK = 65_536;
const LINE_FEED = 0x0a;

/**
 * The lines of a file that have their end, with the offset behind it; what follows the last line feed is left out. In
 * memory there is one line and one chunk at most, whatever the file holds.
 */
export async function* completeLines(handle: JournalHandle, signal?: AbortSignal): AsyncGenerator<FileLine[]> {
  const chunk = Buffer.alloc(CHUNK);
  let begun: Buffer = Buffer.alloc(0);
  let tooLong = false;
  for (let offset = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(chunk, 0, CHUNK, offset);
    if (bytesRead === 0) return;
    const bytes = chunk.subarray(0, bytesRead);
    const lines: FileLine[] = [];
    let start = 0;
    for (let feed = bytes.indexOf(LINE_FEED); feed >= 0; feed = bytes.indexOf(LINE_FEED, start)) {
      tooLong ||= begun.length + feed - start >= LONGEST_LINE;
      const line = tooLong ? undefined : Buffer.concat([begun, bytes.subarray(start, feed)]);
      lines.push(fileLine(line, offset + feed + 1));
      begun = Buffer.alloc(0);
      tooLong = false;
      start = feed + 1;
    }
    tooLong ||= begun.length + bytesRead - start >= LONGEST_LINE;
    begun = tooLong ? Buffer.alloc(0) : Buffer.concat([begun, bytes.subarray(start)]);
    offset += bytesRead;
    yield lines;
  }
}

function fileLine(bytes: Buffer | undefined, end: number): FileLine {
  if (bytes === undefined) return { text: undefined, end, fault: `it is longer than ${LONGEST_LINE} bytes` };
  return isUtf8(bytes) ? { text: bytes.toString(), end } : { text: undefined, end, fault: 'it is not UTF-8' };
}
