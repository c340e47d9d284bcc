import type { ListEntry } from './list-entry.ts';

/** Something that knows the entry of a key. */
export interface Lookup<Key, Entry extends ListEntry> {
  lookup(key: Key): Entry | undefined;
}

/**
 * The entry that several lists together have for a key, as if they were one: the most specific one, and of two that are
 * equally specific the one that allows: checks block, people allow.
 */
export function decidingEntry<Key, Entry extends ListEntry>(
  lists: readonly Lookup<Key, Entry>[],
  key: Key,
  specificityOf: (entry: Entry) => number,
): Entry | undefined {
  let deciding: Entry | undefined;
  for (const list of lists) {
    const entry = list.lookup(key);
    if (entry === undefined) continue;
    const more = deciding === undefined ? 1 : specificityOf(entry) - specificityOf(deciding);
    if (more > 0 || (more === 0 && entry.action === 'allow')) deciding = entry;
  }
  return deciding;
}

/** The lists that a check was given, one or several. A `TypeError` when there is none, or something else among them. */
export function readLists<L>(owner: string, given: L | readonly L[], what: string): readonly L[] {
  const lists: readonly L[] = isArray(given) ? [...given] : [given];
  if (lists.length === 0 || !lists.every(isLookup)) {
    throw new TypeError(`${owner}: the first argument must be ${what}, or several in an array; of a journal its list`);
  }
  return lists;
}

function isArray<L>(value: L | readonly L[]): value is readonly L[] {
  return Array.isArray(value);
}

function isLookup(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'lookup') === 'function';
}
