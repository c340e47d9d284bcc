import { type Clock, errorText } from '@postern/core';
import { parseChange } from './journal-line.ts';
import type { FileLine } from './journal-lines.ts';
import type { JournaledList } from './journaled-list.ts';

/** A line that says nothing that the list understands, and was left out. */
export interface BadJournalLine {
  /** Counted from 1; the header is line 1. */
  readonly line: number;
  readonly reason: string;
}

/** What was found in the file of a journal when it was opened. */
export interface JournalReplay {
  /** Lines that were understood. */
  readonly changes: number;
  /** Of those, entries that had ended meanwhile and were dropped. */
  readonly ended: number;
  /** Entries that the list had then. */
  readonly entries: number;
  /** Bytes of a last line without its end, which a crash had torn; they were cut off. 0: none. */
  readonly tornBytes: number;
  readonly badLineCount: number;
  /** The first 100 of them. When the file is compacted, it is kept once as it was: as `<file>.damaged`. */
  readonly badLines: readonly BadJournalLine[];
}

/** So many bad lines are described. */
const DESCRIBED = 100;

/** Puts the lines of a journal into a list, and counts. */
export class JournalReplayer {
  readonly #list: JournaledList;
  readonly #clock: Clock;
  /** The header is one. */
  #line = 1;
  #changes = 0;
  #ended = 0;
  #entries = 0;
  #badLineCount = 0;
  readonly #badLines: BadJournalLine[] = [];

  constructor(list: JournaledList, clock: Clock) {
    this.#list = list;
    this.#clock = clock;
  }

  apply(lines: readonly FileLine[]): void {
    for (const line of lines) {
      this.#line++;
      const fault = line.text === undefined ? line.fault : this.#change(line.text);
      if (fault === undefined) this.#changes++;
      else {
        this.#badLineCount++;
        if (this.#badLines.length < DESCRIBED) this.#badLines.push({ line: this.#line, reason: fault });
      }
    }
  }

  result(tornBytes: number): JournalReplay {
    return {
      changes: this.#changes,
      ended: this.#ended,
      entries: this.#entries,
      tornBytes,
      badLineCount: this.#badLineCount,
      badLines: this.#badLines,
    };
  }

  /** Returns why the line says nothing. */
  #change(text: string): string | undefined {
    const change = parseChange(text);
    if (typeof change === 'string') return change;
    const { key, entry } = change;
    try {
      if (this.#list.delete(key)) this.#entries--;
      if (entry === undefined) return undefined;
      if (entry.expiresAt !== undefined && entry.expiresAt <= this.#clock.now()) this.#ended++;
      else {
        this.#list.add(key, entry);
        this.#entries++;
      }
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  }
}
