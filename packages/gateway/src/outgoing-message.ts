import {
  claimsAuthservId,
  formatAuthenticationResults,
  formatHeaderField,
  type HeaderEdit,
  type HeaderField,
  type HeaderFields,
  type MethodResult,
} from '@postern/core';
import type { MessageSpool } from './message-spool.ts';

/** The field that marks a quarantined message. Its value says why, in words for a person. */
export const quarantineField = 'X-Postern-Quarantine';

/** What a message is composed of on its way out. */
export interface OutgoingParts {
  /** As the client sent it. */
  readonly header: HeaderFields;
  /** The body. */
  readonly spool: MessageSpool;
  /** The whole `Received` field. */
  readonly received: string;
  /** Under this name our `Authentication-Results` stand, and no one else's. */
  readonly authservId: string;
  readonly authResults: readonly MethodResult[];
  readonly edits: readonly HeaderEdit[];
  /** Why the message is quarantined; none: it is not. */
  readonly quarantine: readonly string[];
}

const CRLF = '\r\n';
const LF = 0x0a;
const nonAscii = /[^\t -~]/g;
/** Up to this size header and body go on as one chunk. */
const ONE_CHUNK_BYTES = 64 * 1024;

/**
 * The message as it goes on: our `Authentication-Results` (RFC 8601), `Received` (RFC 5321 §4.4), the fields that checks
 * add, the quarantine mark; then the client's header without what is removed from it; the empty line; the body.
 *
 * Removed are, besides what the checks ask for, each `Authentication-Results` that claims to be ours (RFC 8601 §5) and
 * each quarantine mark, so that whoever reads them behind us may believe them. What remains is byte for byte as it was.
 *
 * @returns chunks that nobody changes: one for a small message. It can be read again as long as the spool can.
 * @throws TypeError when an added field has a name that no field has, or a method result is none
 */
export function outgoingMessage(parts: OutgoingParts): AsyncIterable<Uint8Array> {
  const head = composeHead(parts);
  const { spool } = parts;
  return { [Symbol.asyncIterator]: () => chunks(head, spool) };
}

/** The header as it goes on, with the empty line, in its parts. */
interface Head {
  readonly added: string;
  readonly kept: Uint8Array;
  readonly end: string;
  readonly byteLength: number;
}

/** Writes the header to the beginning of `bytes`; how many bytes it has. */
function writeHead({ added, kept, end }: Head, bytes: Buffer): number {
  const length = bytes.write(added);
  bytes.set(kept, length);
  return length + kept.length + bytes.write(end, length + kept.length, 'latin1');
}

async function* chunks(head: Head, spool: MessageSpool): AsyncGenerator<Uint8Array, void, undefined> {
  const whole = head.byteLength + spool.byteLength;
  const message = Buffer.allocUnsafeSlow(whole > ONE_CHUNK_BYTES ? head.byteLength : whole);
  let length = writeHead(head, message);
  if (whole > ONE_CHUNK_BYTES) {
    yield message;
    yield* spool.read();
    return;
  }
  // Most messages are in memory, where there is nothing to wait for.
  if (!spool.copyTo(message, length)) {
    for await (const part of spool.read()) {
      message.set(part, length);
      length += part.length;
    }
  }
  yield message;
}

function composeHead({ header, received, authservId, authResults, edits, quarantine }: OutgoingParts): Head {
  let added = formatHeaderField(
    'Authentication-Results',
    formatAuthenticationResults({ authservId, results: authResults }),
  );
  added += received;
  const removed = new Set<HeaderField>(header.all(quarantineField));
  for (const field of header.all('authentication-results')) {
    if (claimsAuthservId(field, authservId)) removed.add(field);
  }
  for (const edit of edits) {
    if (edit.action === 'add') {
      added += formatHeaderField(edit.name, edit.value);
    } else {
      const named = header.all(edit.name);
      const only = edit.index === undefined ? undefined : named[edit.index];
      for (const field of edit.index === undefined ? named : only === undefined ? [] : [only]) removed.add(field);
    }
  }
  if (quarantine.length > 0) {
    added += formatHeaderField(quarantineField, quarantine.join(' ').replace(nonAscii, '?').slice(0, 900));
  }
  const kept = removed.size === 0 ? header.raw : without(header, removed);
  // A message may end within the last line of its header.
  const end = kept.length > 0 && kept[kept.length - 1] !== LF ? CRLF + CRLF : CRLF;
  return { added, kept, end, byteLength: Buffer.byteLength(added) + kept.length + end.length };
}

function without({ raw, fields }: HeaderFields, removed: ReadonlySet<HeaderField>): Uint8Array {
  const kept = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (const field of fields) {
    if (removed.has(field)) continue;
    kept.set(field.raw, length);
    length += field.raw.length;
  }
  return kept.subarray(0, length);
}
