import { type HeaderFields, HeaderParser } from '@postern/core';

/** For tests: the header of a message that is written line by line. */
export function headerOf(...lines: readonly string[]): HeaderFields {
  return headerOfBytes(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
}

/** For tests: the header that a message begins with. */
export function headerOfBytes(message: Uint8Array): HeaderFields {
  const parser = new HeaderParser();
  const state = parser.write(message);
  const done = state.kind === 'incomplete' ? parser.end() : state;
  if (done.kind !== 'complete') throw new Error('the test has no header');
  return done.header;
}
