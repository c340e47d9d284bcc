import type { Awaitable, JsonObject } from '@postern/core';

/** What a list says of the addresses of a prefix, or of the names that a pattern covers. */
export interface ListEntry {
  /** `allow` lifts what a wider entry blocks: the most specific entry decides. */
  readonly action: 'allow' | 'block';
  /** Why, in words for a person; `''` when nobody said. It stands in reports, and in replies where an option says so. */
  readonly reason: string;
  /** Where the entry is from: a file with its path, a feed, the name of a check; `''` when nobody said. */
  readonly source: string;
  /** Milliseconds since the epoch; `undefined`: it stays until it is deleted. */
  readonly expiresAt: number | undefined;
  /** What was seen, for entries that a check made: plain JSON. */
  readonly evidence: JsonObject | undefined;
}

/** An entry as one writes it. Defaults: `action: 'block'`, no reason, no source, no end, no evidence. */
export interface ListEntryInput {
  readonly action?: 'allow' | 'block';
  readonly reason?: string;
  readonly source?: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
  readonly evidence?: JsonObject | undefined;
}

/**
 * Where bans go: an `IpList` or a `DomainList` in memory, one with a journal that outlives a restart, or one that several
 * machines share. A list that is written elsewhere (a file, another machine) has acknowledged the change when the call
 * resolves.
 */
export interface BanList {
  /** Adds or replaces the entry of exactly this prefix or pattern. */
  add(key: string, entry?: ListEntryInput): Awaitable<void>;
  /** Whether there was an entry of exactly this prefix or pattern. */
  delete(key: string): Awaitable<boolean>;
  /** The entry of exactly this prefix or pattern, so that what people put there is not overwritten. */
  get?(key: string): Awaitable<ListEntry | undefined>;
}
