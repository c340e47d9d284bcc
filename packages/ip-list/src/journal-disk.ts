import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a journal does with an open file; a `FileHandle` of `node:fs/promises` is such. */
export interface JournalHandle {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  /** On the disk when it resolves: what was written, and the length of the file. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  stat(): Promise<{ readonly size: number; isFile(): boolean }>;
  close(): Promise<void>;
}

/** The calls of the system whose failures a journal survives. */
export interface JournalDisk {
  open(path: string, flags: string): Promise<JournalHandle>;
  rename(from: string, to: string): Promise<void>;
  /** On the disk when it resolves: the names in the folder of this file. */
  syncFolder(file: string): Promise<void>;
}

/** The machine's own. */
export const systemDisk: JournalDisk = {
  open: (path, flags) => open(path, flags, 0o600),
  rename,
  syncFolder: async (file) => {
    // Windows opens no folders, and keeps names by itself.
    if (process.platform === 'win32') return;
    const folder = await open(dirname(file), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

/** Writes everything: one call may write less. Returns how many bytes that were. */
export async function writeAll(handle: JournalHandle, text: string, position: number): Promise<number> {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
  return bytes.length;
}
