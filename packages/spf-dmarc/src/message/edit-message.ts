import { formatHeaderField, type HeaderEdit, type HeaderField, HeaderParser } from '@postern/core';

const LF = 0x0a;

/**
 * The message with its header changed: fields are removed, and added on top in the order of the edits. What remains is byte
 * for byte as it was. A message whose header ends without the empty line gets it, so that all readers agree on where the
 * header ends.
 *
 * The gateway does this by itself; this is for who holds a message in memory, and has its edits from
 * `authenticateMessage`.
 *
 * @param message - in full
 * @param edits - `index` of a removal counts the fields of that name in this very message
 * @returns a new message; `undefined` when its header goes beyond the bounds of `HeaderParser`: refuse it
 * @throws TypeError when the name of an added field can be none
 *
 * @example
 * ```ts
 * import { editMessage } from '@postern/spf-dmarc';
 *
 * const edited = editMessage(Buffer.from('X-Seen: yes\r\nSubject: hi\r\n\r\nHello\r\n'), [
 *   { action: 'remove', name: 'x-seen' },
 *   { action: 'add', name: 'X-Checked', value: 'by mx.example.com' },
 * ]);
 * console.log(edited?.toString().split('\r\n')[0]); // prints: X-Checked: by mx.example.com
 * ```
 */
export function editMessage(message: Uint8Array, edits: readonly HeaderEdit[]): Buffer | undefined {
  const parser = new HeaderParser();
  let state = parser.write(message);
  if (state.kind === 'incomplete') state = parser.end();
  if (state.kind !== 'complete') return undefined;
  const { header, rest } = state;
  let added = '';
  const removed = new Set<HeaderField>();
  for (const edit of edits) {
    if (edit.action === 'add') {
      added += formatHeaderField(edit.name, edit.value);
      continue;
    }
    for (const [index, field] of header.all(edit.name).entries()) {
      if (edit.index === undefined || edit.index === index) removed.add(field);
    }
  }
  const kept = header.fields.filter((field) => !removed.has(field)).map(({ raw }) => raw);
  // A message may end within the last line of its header.
  const last = kept.at(-1);
  const end = last !== undefined && last[last.length - 1] !== LF ? '\r\n\r\n' : '\r\n';
  return Buffer.concat([Buffer.from(added), ...kept, Buffer.from(end), rest]);
}
