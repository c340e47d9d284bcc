/**
 * Is this client, or this domain, on my own list, and why, and until when?
 *
 * @module
 */

export {
  DomainList,
  type DomainListEntry,
  type DomainListInput,
  type DomainListOptions,
} from './domain-list.ts';
export { IpList, type IpListEntry, type IpListInput, type IpListOptions } from './ip-list.ts';
export type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';
