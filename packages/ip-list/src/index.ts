/**
 * Is this client, or this domain, on my own list, and why, and until when?
 *
 * @module
 */

export { type AutoBanOptions, autoBan } from './auto-ban.ts';
export type { BanEvent } from './ban-event.ts';
export type { BanJournal } from './ban-journal.ts';
export { BanJournalError, type BanJournalErrorCode } from './ban-journal-error.ts';
export type { ClientBanOptions } from './client-bans.ts';
export type { CsvColumns } from './csv-format.ts';
export {
  DomainList,
  type DomainListEntry,
  type DomainListInput,
  type DomainListLoadOptions,
  type DomainListOptions,
} from './domain-list.ts';
export {
  type DomainListCheckOptions,
  type DomainLookup,
  type DomainPlace,
  domainList,
  type ReverseNames,
} from './domain-list-check.ts';
export type { Networks } from './ignored-networks.ts';
export {
  IpList,
  type IpListLoadOptions,
  type IpListOptions,
} from './ip-list.ts';
export { type IpListCheckOptions, type IpLookup, ipList } from './ip-list-check.ts';
export type { IpListEntry } from './ip-list-entry.ts';
export type { BadJournalLine, JournalReplay } from './journal-replay.ts';
export type { JournaledEntry, JournaledList } from './journaled-list.ts';
export type { IpListInput } from './list-contents.ts';
export type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';
export {
  type DomainListFileOptions,
  type IpListFileOptions,
  type ListFile,
  type ListFileError,
  type ListFileLimits,
  type LoadedEntries,
  type LoadedList,
  loadDomainList,
  loadIpList,
  type UnusableList,
} from './list-file.ts';
export type { DomainListFormat, IpListFormat } from './list-format.ts';
export type { ListProblem, ListProblemReason, ListProblems } from './list-problem.ts';
export type { ListedVerdict, ListingOptions } from './listing-policy.ts';
export { type BanJournalOptions, openBanJournal } from './open-ban-journal.ts';
export {
  type DomainTextOptions,
  type IpTextOptions,
  type KeyedEntry,
  type ProblemListener,
  readDomainEntries,
  readIpEntries,
  type TextListOptions,
} from './read-entries.ts';
export type { ReloadEvent } from './reload-event.ts';
export { type SpamTrapOptions, spamTraps, type TrapAnswer } from './spam-traps.ts';
export type { TextSource } from './text-pieces.ts';
export {
  type DomainWatchOptions,
  type FileWatch,
  type IpWatchOptions,
  type ReplaceableList,
  type WatchOptions,
  watchFile,
} from './watch-file.ts';
