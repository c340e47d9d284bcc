/**
 * - `locked`: another process has the file open;
 * - `not-a-journal`: the file is something else, or of a version that this one does not know; nothing in it was touched;
 * - `unusable`: the file cannot be opened, read or created; `cause` says why;
 * - `write-failed`: the disk is full or broken; `cause` says why. The change is in force in this process, and it is written
 *   with the next one that can be;
 * - `busy`: 100,000 changes wait for the disk already. The change is in force in this process, and nothing more;
 * - `closed`: the journal was closed before.
 */
export type BanJournalErrorCode = 'locked' | 'not-a-journal' | 'unusable' | 'write-failed' | 'busy' | 'closed';

/** What a ban journal rejects with. The message names the file. */
export class BanJournalError extends Error {
  override readonly name = 'BanJournalError';
  readonly code: BanJournalErrorCode;

  constructor(code: BanJournalErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
