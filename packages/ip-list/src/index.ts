/**
 * Is this client, or this domain, on my own list, and why, and until when?
 *
 * @module
 */

export type { BanJournal } from './ban-journal.ts';
export { BanJournalError, type BanJournalErrorCode } from './ban-journal-error.ts';
export {
  DomainList,
  type DomainListEntry,
  type DomainListInput,
  type DomainListOptions,
} from './domain-list.ts';
export { IpList, type IpListEntry, type IpListInput, type IpListOptions } from './ip-list.ts';
export type { BadJournalLine, JournalReplay } from './journal-replay.ts';
export type { JournaledEntry, JournaledList } from './journaled-list.ts';
export type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';
export { type BanJournalOptions, openBanJournal } from './open-ban-journal.ts';
