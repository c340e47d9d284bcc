import { type HeaderFields, HeaderParser } from '@postern/core';

/** For tests: the header of a message that is its text, each character one byte. */
export function headerOf(text: string): HeaderFields {
  const parser = new HeaderParser();
  const state = parser.write(Buffer.from(text, 'latin1'));
  const done = state.kind === 'incomplete' ? parser.end() : state;
  if (done.kind !== 'complete') throw new Error('the header is not complete');
  return done.header;
}
