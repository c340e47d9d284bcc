import { type HeaderFields, HeaderParser } from '@postern/core';

/** The header of a message that is written line by line. */
export function headerOf(...lines: readonly string[]): HeaderFields {
  const state = new HeaderParser().write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  if (state.kind !== 'complete') throw new Error('the test has no header');
  return state.header;
}
