import { channel } from 'node:diagnostics_channel';
import type { ListFileError } from './list-file.ts';
import type { ListProblems } from './list-problem.ts';

/** What came of one reading of a watched file. */
export type ReloadEvent =
  | {
      readonly outcome: 'loaded';
      readonly path: string;
      /** How many entries it gave. */
      readonly entries: number;
      readonly problems: ListProblems;
    }
  | {
      /** The list is as it was. */
      readonly outcome: 'refused';
      readonly path: string;
      readonly error: ListFileError;
      /** One sentence for a person; it names the file. */
      readonly message: string;
      readonly problems: ListProblems;
    };

/** Every reload of a watched file is published on this channel of `node:diagnostics_channel`, as a `ReloadEvent`. */
const RELOAD_CHANNEL = 'postern.ip-list.reload';

/**
 * Tells everybody: first `onReload`, whose failure, at once or later, is a warning of the process and nothing else, then
 * the channel.
 */
export function announceReload(event: ReloadEvent, onReload: ((event: ReloadEvent) => unknown) | undefined): void {
  try {
    const told = onReload?.(event);
    if (told instanceof Promise) told.catch(warn);
  } catch (error) {
    warn(error);
  }
  channel(RELOAD_CHANNEL).publish(event);
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
