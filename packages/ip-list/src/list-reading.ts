import type { LineFormat, LineOutput } from './line-format.ts';
import { type LineReceiver, LineSplitter } from './line-splitter.ts';
import type { ListEntryInput } from './list-entry.ts';
import type { ListProblem, ListProblemReason, ProblemLog } from './list-problem.ts';
import { ReasonPool } from './reason-pool.ts';

/** How a text is read, its format apart. */
export interface ReadingOptions {
  readonly source: string;
  readonly action: 'allow' | 'block';
  readonly maxLineLength: number;
}

/** One reading of one text: pieces go in, entries and problems come out. */
export class ListReading<Key> implements LineReceiver, LineOutput<Key> {
  readonly action: 'allow' | 'block';
  number: number = 0;
  readonly #format: LineFormat<Key>;
  readonly #problems: ProblemLog;
  readonly #take: (key: Key, entry: ListEntryInput) => void;
  readonly #reasons: ReasonPool;
  readonly #splitter: LineSplitter;

  constructor(
    format: LineFormat<Key>,
    options: ReadingOptions,
    problems: ProblemLog,
    take: (key: Key, entry: ListEntryInput) => void,
  ) {
    this.action = options.action;
    this.#format = format;
    this.#problems = problems;
    this.#take = take;
    this.#reasons = new ReasonPool(options.source);
    this.#splitter = new LineSplitter(this, options.maxLineLength);
  }

  push(piece: string | Uint8Array): void {
    this.#splitter.push(piece);
  }

  end(): void {
    this.#splitter.end();
    this.#format.end?.(this);
  }

  line(text: string, number: number): void {
    this.number = number;
    this.#format.line(text, this);
  }

  badLine(reason: 'line-too-long' | 'nul', number: number): void {
    this.number = number;
    this.problem('skipped', reason, '');
  }

  add(key: Key, action: 'allow' | 'block', reason: string): void {
    this.#take(key, this.#reasons.entry(action, reason));
  }

  problem(kind: ListProblem['kind'], reason: ListProblemReason, about: string, number: number = this.number): void {
    this.#problems.add(number, kind, reason, about);
  }
}
