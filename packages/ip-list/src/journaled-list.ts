import type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';

/** An entry of a list with its key. */
export type JournaledEntry = ListEntry & ({ readonly prefix: string } | { readonly pattern: string });

/** A list in memory that a journal can keep: an `IpList` or a `DomainList`. It may change while it is iterated. */
export interface JournaledList extends BanList, Iterable<JournaledEntry> {
  add(key: string, entry?: ListEntryInput): void;
  delete(key: string): boolean;
}
