import { errorText } from '@postern/core';
import { BanJournalError } from './ban-journal-error.ts';
import type { JournalFile } from './journal-file.ts';

/** So many changes may wait for the disk. */
const MOST_WAITING = 100_000;
/** So many characters of what could not be written are kept for the next try: thousands of bans. */
const MOST_OWED = 1_048_576;

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: BanJournalError) => void;
}

/**
 * Writes lines to the file of a journal in the order of the calls, and what comes while the disk is busy all at once: one
 * wait for the disk serves everyone who waits.
 */
export class JournalWriter {
  readonly #file: JournalFile;
  #waiting: Waiting[] = [];
  /** Lines that were refused: they go before the next ones, so that the file lacks nothing when the disk is well again. */
  #owed = '';
  readonly #tasks: (() => Promise<void>)[] = [];
  #running: Promise<void> | undefined;
  #recorded: string[] | undefined;

  constructor(file: JournalFile) {
    this.#file = file;
  }

  /**
   * Resolves when the line is on the disk.
   *
   * @throws BanJournalError `write-failed`, and then the line goes before the next one; or `busy`, and then it is lost
   */
  write(line: string): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) {
      const message = `${this.#file.path}: ${MOST_WAITING} changes wait for the disk already`;
      return Promise.reject(new BanJournalError('busy', message));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Runs a task while nothing is being written. Lines that come meanwhile are written after it. */
  between<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => task().then(resolve, reject));
      this.#running ??= this.#run();
    });
  }

  /** From now on all that gets into the file is kept in memory as well. To be called in a task. */
  record(): void {
    this.#recorded = [];
  }

  /** What got into the file since `record`; nothing is kept any more. */
  recorded(): string {
    const lines = this.#recorded?.join('') ?? '';
    this.#recorded = undefined;
    return lines;
  }

  /** Waits until everything is written, and tries once more to write what was refused. Throws as `write` does. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    if (this.#owed !== '') await this.write('');
  }

  async #run(): Promise<void> {
    // What is called in the same turn goes together.
    await Promise.resolve();
    for (;;) {
      const task = this.#tasks.shift();
      if (task !== undefined) await task();
      else if (this.#waiting.length > 0) await this.#commit();
      else break;
    }
    this.#running = undefined;
  }

  async #commit(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    const lines = this.#owed + batch.map(({ line }) => line).join('');
    try {
      await this.#file.append(lines);
    } catch (cause) {
      this.#owed = newest(lines);
      const message = `${this.#file.path}: the change is in force but not on the disk: ${errorText(cause)}`;
      for (const { reject } of batch) reject(new BanJournalError('write-failed', message, cause));
      return;
    }
    this.#owed = '';
    this.#recorded?.push(lines);
    for (const { resolve } of batch) resolve();
  }
}

/** The last whole lines, as many as are kept. */
function newest(lines: string): string {
  if (lines.length <= MOST_OWED) return lines;
  return lines.slice(lines.indexOf('\n', lines.length - MOST_OWED) + 1);
}
