import { channel } from 'node:diagnostics_channel';
import { errorText, isPending } from '@postern/core';
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

/** Tells everybody: first `onBan`, whose failure is a warning of the process and nothing else, then the channel. */
export function announceBan(event: BanEvent, onBan: ((event: BanEvent) => unknown) | undefined): void {
  try {
    const result = onBan?.(event);
    // A rejection that nobody takes would end the process.
    if (isPending(result)) result.then(undefined, warn);
  } catch (error) {
    warn(error);
  }
  channel(BAN_CHANNEL).publish(event);
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}

/** A failure that nobody listens to is a warning of the process. */
export function warnOfFailedBan(
  { check, prefix }: BanEvent,
  error: unknown,
  onBan: ((event: BanEvent) => unknown) | undefined,
): void {
  if (onBan !== undefined || channel(BAN_CHANNEL).hasSubscribers) return;
  process.emitWarning(`${check}: the ban of ${prefix} failed: ${errorText(error)}`, { type: 'PosternWarning' });
}
