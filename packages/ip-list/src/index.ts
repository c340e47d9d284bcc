/**
 * Is this client, or this domain, on my own list, and why, and until when?
 *
 * @module
 */

export type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';
