import { errorText } from '@postern/core';
import type { ListEntry } from './list-entry.ts';
import { readListEntry } from './read-list-entry.ts';

/** The first line of the file: what it is, and in which form. */
export const HEADER = '{"journal":"postern.bans","version":1}\n';

/** The longest line in bytes, its end included. A key is short, and evidence is meant to be read. */
export const LONGEST_LINE = 65_536;

/** One line: an entry that was added or replaced, or a key that was deleted. */
export type Change = { readonly key: string; readonly entry: ListEntry | undefined };

/** `{"add":"192.0.2.1","reason":"…"}` with what differs from the defaults, or `{"delete":"192.0.2.1"}`. */
export function formatChange(key: string, entry: ListEntry | undefined): string {
  if (entry === undefined) return `${JSON.stringify({ delete: key })}\n`;
  const { action, reason, source, expiresAt, evidence } = entry;
  return `${JSON.stringify({
    add: key,
    action: action === 'block' ? undefined : action,
    reason: reason === '' ? undefined : reason,
    source: source === '' ? undefined : source,
    expiresAt,
    evidence,
  })}\n`;
}

/** Reads a line without its end. Returns why it is none as a string. */
export function parseChange(line: string): Change | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'it is not JSON';
  }
  if (typeof value !== 'object' || value === null) return 'it is not an object';
  const { add, delete: deleted, ...entry }: { add?: unknown; delete?: unknown } = value;
  if (typeof deleted === 'string' && add === undefined && Object.keys(entry).length === 0) {
    return { key: deleted, entry: undefined };
  }
  if (typeof add !== 'string' || deleted !== undefined) return 'it neither adds an entry nor deletes one';
  try {
    return { key: add, entry: readListEntry('line', entry) };
  } catch (error) {
    return errorText(error);
  }
}
