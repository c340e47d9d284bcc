import { channel } from 'node:diagnostics_channel';
import { errorText } from '@postern/core';
import type { ListEntryInput } from './list-entry.ts';

/**
 * What came of a ban that a check made.
 *
 * - `listed`: the list has it, and where it is written elsewhere has said so;
 * - `kept`: the list had an entry for this very prefix already that allows it, has no end, or ends later; it was left;
 * - `failed`: the list would not take it, or could not write it down, as `error` says. A ban journal whose disk is full has
 *   it in force nevertheless.
 */
export type BanEvent = {
  /** The name of the check. */
  readonly check: string;
  /** What was, or would have been, listed. */
  readonly prefix: string;
  readonly entry: ListEntryInput;
} & ({ readonly outcome: 'listed' | 'kept' } | { readonly outcome: 'failed'; readonly error: unknown });

/** Every ban of `autoBan` and `spamTraps` is published on this channel of `node:diagnostics_channel`, as a `BanEvent`. */
const BAN_CHANNEL = 'postern.ip-list.ban';

/** Tells everybody: first `onBan`, then the channel. A ban that failed is a warning of the process when nobody listens. */
export function announceBan(event: BanEvent, onBan: ((event: BanEvent) => unknown) | undefined): void {
  const bans = channel(BAN_CHANNEL);
  try {
    onBan?.(event);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
  if (event.outcome === 'failed' && onBan === undefined && !bans.hasSubscribers) {
    const why = errorText(event.error);
    process.emitWarning(`${event.check}: the ban of ${event.prefix} failed: ${why}`, { type: 'PosternWarning' });
  }
  bans.publish(event);
}
