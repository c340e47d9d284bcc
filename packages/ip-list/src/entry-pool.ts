import type { ListEntry, ListEntryInput } from './list-entry.ts';
import { readListEntry, strangeName } from './read-list-entry.ts';

/**
 * What the prefixes of a list say, each distinct entry once: a feed of a million prefixes says one thing, or a few thousand,
 * so a prefix keeps a number in the place of an entry. An entry that no prefix uses any more is forgotten.
 *
 * Entries with an end or with evidence are made from traffic, each at its own time. To find equal ones among them would
 * take twice their memory, so they are compared with the one before only.
 */
export class EntryPool {
  readonly #entries: (ListEntry | undefined)[];
  /** Milliseconds since the epoch; Infinity for an entry without an end. */
  readonly #ends: number[];
  readonly #uses: number[];
  readonly #free: number[];
  /** By text, those without end and evidence. */
  readonly #numbers: Map<string, number>;
  /** The entry before: in a feed it is the same again. */
  #last = -1;

  constructor(from?: EntryPool) {
    this.#entries = from === undefined ? [] : [...from.#entries];
    this.#ends = from === undefined ? [] : [...from.#ends];
    this.#uses = from === undefined ? [] : [...from.#uses];
    this.#free = from === undefined ? [] : [...from.#free];
    this.#numbers = new Map(from === undefined ? [] : from.#numbers);
  }

  /** The number of an entry, used once more. Throws a TypeError in the name of `owner` on fields of a wrong type. */
  take(owner: string, input: ListEntryInput | undefined): number {
    if (this.#last >= 0 && this.#sameAsLast(input)) {
      this.#uses[this.#last] = (this.#uses[this.#last] ?? 0) + 1;
      return this.#last;
    }
    const entry = readListEntry(owner, input);
    const key = textOf(entry);
    let number = key === undefined ? undefined : this.#numbers.get(key);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#entries.length;
      this.#entries[number] = entry;
      this.#ends[number] = entry.expiresAt ?? Number.POSITIVE_INFINITY;
      this.#uses[number] = 0;
      if (key !== undefined) this.#numbers.set(key, number);
    }
    this.#uses[number] = (this.#uses[number] ?? 0) + 1;
    this.#last = entry.evidence === undefined ? number : -1;
    return number;
  }

  /** One use less. */
  release(number: number): void {
    const uses = (this.#uses[number] ?? 0) - 1;
    this.#uses[number] = uses;
    const entry = this.#entries[number];
    if (uses > 0 || entry === undefined) return;
    const key = textOf(entry);
    if (key !== undefined) this.#numbers.delete(key);
    this.#entries[number] = undefined;
    this.#free.push(number);
    if (this.#last === number) this.#last = -1;
  }

  at(number: number): ListEntry {
    const entry = this.#entries[number];
    if (entry === undefined) throw new RangeError(`EntryPool: nobody uses entry ${number}`);
    return entry;
  }

  /** When the entry ends: milliseconds since the epoch, or Infinity. */
  endOf(number: number): number {
    return this.#ends[number] ?? Number.POSITIVE_INFINITY;
  }

  #sameAsLast(input: ListEntryInput | undefined): boolean {
    const last = this.#entries[this.#last];
    if (last === undefined) return false;
    if (input === undefined) {
      return last.action === 'block' && last.reason === '' && last.source === '' && last.expiresAt === undefined;
    }
    return (
      typeof input === 'object' &&
      input !== null &&
      (input.action ?? 'block') === last.action &&
      (input.reason ?? '') === last.reason &&
      (input.source ?? '') === last.source &&
      input.expiresAt === last.expiresAt &&
      input.evidence === undefined &&
      strangeName(input) === undefined
    );
  }
}

/** The same for two entries only when they are equal; `undefined` for one that is not looked for. */
function textOf({ action, reason, source, expiresAt, evidence }: ListEntry): string | undefined {
  if (expiresAt !== undefined || evidence !== undefined) return undefined;
  return `${action} ${source.length} ${source}${reason}`;
}
